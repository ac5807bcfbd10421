"""Draw a score histogram in-distribution and, below it, the shifted one once it is revealed."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.histograms import Panel
from gnl_core.plots.scrubber import Axes, histogram_bars, panel_text, threshold_line, top_of
from gnl_core.plots.style import LABEL_COLOURS

PANEL_PX = 176
TOP_PX, GAP_PX, BOTTOM_PX = 30, 58, 44


def prediction_histograms(panels: tuple[Panel, Panel], axes: Axes, *, threshold: float, revealed: bool) -> go.Figure:
    """Draw two histograms on one score axis; the lower one stays empty until it is revealed.

    Args:
        panels: The scores in-distribution and shifted; their texts are shown in either case.
        axes: Axes of both panels, which stay the same when the bars are revealed.
        threshold: Score above which an image is called anomalous; drawn through both panels.
        revealed: Whether the shifted bars are drawn.
    """
    height = TOP_PX + 2 * PANEL_PX + GAP_PX + BOTTOM_PX
    gap = GAP_PX / (2 * PANEL_PX + GAP_PX)
    figure = make_subplots(2, 1, vertical_spacing=gap)
    for row, (panel, drawn) in enumerate(zip(panels, (True, revealed), strict=True), start=1):
        for label in LABEL_COLOURS if drawn else ():
            if (panel.scores.label == label).any():
                figure.add_trace(histogram_bars(panel, axes.edges, label=label), row=row, col=1)
        figure.add_trace(threshold_line(threshold, height=axes.tallest), row=row, col=1)
        figure.add_trace(panel_text(panel, axes), row=row, col=1)
        upper = figure.layout["yaxis" if row == 1 else f"yaxis{row}"].domain[1]
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": upper, "yshift": TOP_PX - 8}
        figure.add_annotation(text=escape(panel.title), showarrow=False, xanchor="left", font_size=14, **place)
    figure.update_xaxes(range=[axes.edges[0], axes.edges[-1]], showgrid=False, zeroline=False, fixedrange=True)
    figure.update_xaxes(title="anomaly score", row=2)
    figure.update_yaxes(visible=False, range=[0, top_of(axes)], fixedrange=True)
    return figure.update_layout(
        height=height,
        barmode="overlay",
        showlegend=False,
        dragmode=False,
        margin={"l": 0, "r": 0, "t": TOP_PX, "b": BOTTOM_PX},
    )
