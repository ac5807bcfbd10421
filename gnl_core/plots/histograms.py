"""Score histograms: label is colour, domain is texture, method is position (supplement, Figure 1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gnl_core.plots.style import GREY, LABEL_COLOURS, LABEL_NAMES
from gnl_core.records import Scores

BINS = 40
HEIGHT_PX = 210


class Panel(NamedTuple):
    """One histogram: the scores of one domain under one method.

    Attributes:
        scores: One row an image.
        shifted: Whether the domain is shifted; shifted bars are hatched.
        title: Set at the panel's upper left.
        note: Set at the panel's upper right.
        footnote: Set below the score axis.
    """

    scores: Scores
    shifted: bool
    title: str
    note: str
    footnote: str


def score_histogram(panel: Panel, *, edges: NDArray[np.float64], tallest: float, threshold: float) -> go.Figure:
    """One panel, on axes that are the same for all panels that are compared.

    Args:
        panel: What to draw.
        edges: Ascending bin edges, shape (bins + 1,).
        tallest: Upper end of the vertical axis, in share of a label's images.
        threshold: Score above which an image is called anomalous; drawn as a dotted line.

    Returns:
        A figure in which each bar is the share of that label's images in that bin.
    """
    present = [label for label in LABEL_COLOURS if (panel.scores.label == label).any()]
    figure = go.Figure([histogram_bars(panel, label=label, edges=edges) for label in present])
    figure.add_vline(x=threshold, line={"color": GREY, "dash": "dot", "width": 1.5})
    heading = {"y": 1.2, "xref": "paper", "yref": "paper", "showarrow": False, "font_size": 14}
    figure.add_annotation(text=panel.title, x=0, xanchor="left", **heading)
    figure.add_annotation(text=panel.note, x=1, xanchor="right", **heading)
    figure.update_xaxes(range=[edges[0], edges[-1]], showgrid=False, zeroline=False, fixedrange=True)
    figure.update_xaxes(title={"text": panel.footnote, "font_size": 12, "standoff": 4})
    figure.update_yaxes(range=[0, tallest], visible=False, fixedrange=True)
    return figure.update_layout(
        height=HEIGHT_PX,
        barmode="overlay",
        bargap=0.06,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 34, "b": 44},
    )


def histogram_bars(panel: Panel, *, label: int, edges: NDArray[np.float64]) -> go.Bar:
    """The bars of one label, filled in-distribution and hatched under shift."""
    colour = LABEL_COLOURS[label]
    heights = histogram_shares(panel.scores.score[panel.scores.label == label], edges)
    return go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=heights,
        name=LABEL_NAMES[label],
        opacity=0.8,
        marker={
            "color": colour,
            "line": {"color": colour, "width": 1 if panel.shifted else 0},
            "pattern": {"shape": "/" if panel.shifted else "", "fillmode": "overlay", "size": 5, "solidity": 0.35},
        },
        hovertemplate=f"{LABEL_NAMES[label]}: %{{y:.1%}} at score %{{x:.2f}}<extra></extra>",
    )


def histogram_shares(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the scores in each bin; scores beyond the edges count in the outermost bins."""
    counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), bins=edges)
    return counts / max(1, len(scores))


def shared_edges(scores: list[Scores]) -> NDArray[np.float64]:
    """Bin edges that hold every score of several sets, shape (BINS + 1,)."""
    joined = np.concatenate([part.score for part in scores])
    low, high = float(joined.min()), float(joined.max())
    margin = 0.02 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, BINS + 1)


def tallest_share(scores: list[Scores], edges: NDArray[np.float64]) -> float:
    """Height of the tallest bar of several sets, with a little room above."""
    return 1.05 * max(
        histogram_shares(part.score[part.label == label], edges).max() for part in scores for label in LABEL_COLOURS
    )
