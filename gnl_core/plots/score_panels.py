"""The supplement's Figure 1: what a shift does to the scores of two methods, as a still picture."""

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

from gnl_core.plots.histograms import Panel, histogram_shares, shared_edges, tallest_share
from gnl_core.plots.style import GREY, LABEL_COLOURS, LABEL_NAMES

SIZE_INCHES = (7.2, 4.2)
DOTS_PER_INCH = 200
COLUMN_GAP = 0.06  # share of a panel's width: titles of neighbours stay apart
COMPARABLE = 4  # methods whose ranges of scores differ by more get an axis each


def score_panels(methods: Sequence[Sequence[Panel]]) -> Figure:
    """Histograms of normal and anomalous scores: a row a method, a column a domain.

    All panels have one score axis, unless the methods' scores are of different orders: then each row has its own.

    Args:
        methods: For each method its panels, as many for each; titles name the domain, notes stand at the upper
            right, and the first panel's footnote names the method.
    """
    figure = Figure(figsize=SIZE_INCHES, layout=ConstrainedLayoutEngine(wspace=COLUMN_GAP))
    axes = figure.subplots(len(methods), len(methods[0]), squeeze=False)
    for row, panels, edges in zip(axes, methods, row_edges(methods), strict=True):
        scores = [panel.scores for panel in panels]
        for axis, panel in zip(row, panels, strict=True):
            draw_panel(axis, panel, edges=edges)
            axis.set_ylim(0, tallest_share(scores, edges))
        row[0].set_ylabel(panels[0].footnote)
    for axis in axes[-1]:
        axis.set_xlabel("anomaly score")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def row_edges(methods: Sequence[Sequence[Panel]]) -> list[NDArray[np.float64]]:
    """Bin edges of each row: the same for all if their ranges are alike."""
    own = [shared_edges([panel.scores for panel in panels]) for panels in methods]
    joined = shared_edges([panel.scores for panels in methods for panel in panels])
    widths = [edges[-1] - edges[0] for edges in own]
    alike = joined[-1] - joined[0] <= COMPARABLE * min(widths)
    return [joined] * len(own) if alike else own


def draw_panel(axis: Axes, panel: Panel, *, edges: NDArray[np.float64]) -> None:
    """One histogram: filled in-distribution, outlined and hatched under shift."""
    for label in [known for known in LABEL_COLOURS if known in panel.scores.label]:
        colour = LABEL_COLOURS[label]
        heights = histogram_shares(panel.scores.score[panel.scores.label == label], edges)
        draw = partial(axis.bar, edges[:-1], heights, width=np.diff(edges), align="edge")
        draw(color=colour, alpha=0.25 if panel.shifted else 0.7, label=LABEL_NAMES[label])
        if panel.shifted:  # by itself: in SVG a hatch takes on the filling's opacity
            draw(facecolor="none", edgecolor=colour, hatch="////", linewidth=0.6)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_title(panel.title, loc="left", fontsize="medium")
    axis.set_title(panel.note, loc="right", fontsize="medium")
    axis.tick_params(colors=GREY, labelcolor="black", left=False, labelleft=False)
    axis.spines[["top", "left", "right"]].set_visible(False)


def render(figure: Figure, *, ending: str) -> bytes:
    """A figure as the bytes of an image file, "svg" or "png"; the same figure gives the same bytes."""
    stream = BytesIO()
    with rc_context({"svg.hashsalt": "gnl"}):
        metadata = {"Date": None} if ending == "svg" else None
        figure.savefig(stream, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)
    return stream.getvalue()
