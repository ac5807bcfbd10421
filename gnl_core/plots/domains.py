"""Draw score histograms of one run's domains, stacked on one score axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gnl_core.plots.histograms import Panel, shared_edges, tallest_share
from gnl_core.plots.scrubber import BOTTOM_PX, ROW_PX, TOP_PX, Axes, Trace, axis_of, draw_panel, top_of


def domain_histograms(panels: Sequence[Panel], *, threshold: float | None) -> go.Figure:
    """Draw one histogram per domain; each bar is the share of that label's images in that bin.

    Args:
        panels: The domains, at least one, the topmost first; every score is finite.
        threshold: Score above which an image is called anomalous, drawn as a dotted line; None: no line.
    """
    scores = [panel.scores for panel in panels]
    edges = shared_edges(scores)
    axes = Axes(edges, tallest_share(scores, edges))
    traces = [
        trace | {"xaxis": axis_of("x", row), "yaxis": axis_of("y", row)}
        for row, panel in enumerate(panels)
        for trace in draw_panel(panel, axes, threshold=threshold)
    ]
    layout: dict[str, Any] = {
        **{name: axis for row in range(len(panels)) for name, axis in row_axes(axes, row).items()},
        "grid": {"rows": len(panels), "columns": 1, "pattern": "independent", "ygap": (TOP_PX + BOTTOM_PX) / ROW_PX},
        "height": len(panels) * ROW_PX + TOP_PX,
        "barmode": "overlay",
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        "margin": {"l": 0, "r": 0, "t": TOP_PX, "b": TOP_PX + BOTTOM_PX},
    }
    layout[f"xaxis{len(panels)}"]["title"] = "anomaly score"
    return go.Figure(named_once(traces), layout)


def row_axes(axes: Axes, row: int) -> dict[str, Any]:
    """Lay out the two axes of one row, counted from 0; Plotly counts from 1."""
    across = {"range": [axes.edges[0], axes.edges[-1]], "showgrid": False, "zeroline": False}
    upwards = {"range": [0, top_of(axes)], "visible": False}
    return {f"xaxis{row + 1}": across, f"yaxis{row + 1}": upwards}


def named_once(traces: Sequence[Trace]) -> list[Trace]:
    """Give traces one legend entry per label, which shows or hides the label in all rows."""
    first = {trace["name"]: place for place, trace in reversed(list(enumerate(traces))) if "name" in trace}
    return [
        trace | {"legendgroup": trace.get("name"), "showlegend": first.get(trace.get("name")) == place}
        for place, trace in enumerate(traces)
    ]
