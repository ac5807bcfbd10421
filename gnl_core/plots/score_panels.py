"""Draw the supplement's Figure 1, the effect of a shift on the scores of two methods, as a static picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from gnl_core.messages import escape_hidden
from gnl_core.plots.histograms import Panel, histogram_shares, shared_edges, tallest_share
from gnl_core.plots.style import GREY, LABEL_COLOURS, LABEL_NAMES

SIZE_INCHES = (7.2, 4.2)
DOTS_PER_INCH = 200
COLUMN_GAP = 0.06  # share of a panel's width that separates titles
COMPARABLE = 4  # largest ratio of score ranges at which methods share an axis


def score_panels(methods: Sequence[Sequence[Panel]]) -> Figure:
    """Draw histograms of normal and anomalous scores: one row per method, one column per domain.

    All panels share one score axis, unless the methods' scores differ in magnitude: then each row has its own.

    Args:
        methods: The panels of each method, the same number for each; titles name the domain, notes appear at the upper
            right, and the first panel's footnote names the method.
    """
    figure = Figure(figsize=SIZE_INCHES, layout=ConstrainedLayoutEngine(wspace=COLUMN_GAP))
    axes = figure.subplots(len(methods), len(methods[0]), squeeze=False)
    for row, panels, edges in zip(axes, methods, row_edges(methods), strict=True):
        scores = [panel.scores for panel in panels]
        for axis, panel in zip(row, panels, strict=True):
            draw_panel(axis, panel, edges=edges)
            axis.set_ylim(0, tallest_share(scores, edges))
        row[0].set_ylabel(escape_hidden(panels[0].footnote), parse_math=False)
    for axis in axes[-1]:
        axis.set_xlabel("anomaly score")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def row_edges(methods: Sequence[Sequence[Panel]]) -> list[NDArray[np.float64]]:
    """Compute the bin edges of each row; rows with similar ranges share the same edges."""
    own = [shared_edges([panel.scores for panel in panels]) for panels in methods]
    joined = shared_edges([panel.scores for panels in methods for panel in panels])
    widths = [edges[-1] - edges[0] for edges in own]
    similar = joined[-1] - joined[0] <= COMPARABLE * min(widths)
    return [joined] * len(own) if similar else own


def draw_panel(axis: Axes, panel: Panel, *, edges: NDArray[np.float64]) -> None:
    """Draw one histogram: filled in-distribution, outlined and hatched under shift."""
    for label in [known for known in LABEL_COLOURS if known in panel.scores.label]:
        colour = LABEL_COLOURS[label]
        heights = histogram_shares(panel.scores.score[panel.scores.label == label], edges)
        draw = partial(axis.bar, edges[:-1], heights, width=np.diff(edges), align="edge")
        draw(color=colour, alpha=0.25 if panel.shifted else 0.7, label=LABEL_NAMES[label])
        if panel.shifted:  # separately: in SVG a hatch inherits the opacity of the fill
            draw(facecolor="none", edgecolor=colour, hatch="////", linewidth=0.6)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_title(escape_hidden(panel.title), loc="left", fontsize="medium", parse_math=False)
    axis.set_title(panel.note, loc="right", fontsize="medium")
    axis.tick_params(colors=GREY, labelcolor="black", left=False, labelleft=False)
    axis.spines[["top", "left", "right"]].set_visible(False)


def render(figure: Figure, *, ending: str) -> bytes:
    """Render a figure to the bytes of an "svg" or "png" file; the same figure always gives the same bytes."""
    stream = BytesIO()
    with rc_context({"svg.hashsalt": "gnl"}):
        metadata = {"Date": None} if ending == "svg" else None
        figure.savefig(stream, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)
    return stream.getvalue()
