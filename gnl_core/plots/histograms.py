"""Score histograms: label is colour, domain is texture, method is position (supplement, Figure 1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.plots.style import LABEL_COLOURS
from gnl_core.records import Scores

BINS = 40


class Panel(NamedTuple):
    """One histogram: the scores of one domain under one method.

    Attributes:
        scores: One row per image.
        shifted: Whether the domain is shifted; shifted bars are hatched.
        title: Text at the upper left of the panel.
        note: Text at the upper right of the panel.
        footnote: Text below the score axis.
    """

    scores: Scores
    shifted: bool
    title: str
    note: str
    footnote: str


def histogram_shares(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the share of scores in each bin; scores beyond the edges count in the outermost bins."""
    counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), bins=edges)
    return counts / max(1, len(scores))


def shared_edges(scores: list[Scores]) -> NDArray[np.float64]:
    """Compute bin edges that enclose every score of several sets, shape (BINS + 1,)."""
    joined = np.concatenate([part.score for part in scores])
    low, high = float(joined.min()), float(joined.max())
    margin = 0.02 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, BINS + 1)


def tallest_share(scores: list[Scores], edges: NDArray[np.float64]) -> float:
    """Compute the height of the tallest bar of several sets, plus a small margin."""
    return 1.05 * max(
        histogram_shares(part.score[part.label == label], edges).max() for part in scores for label in LABEL_COLOURS
    )
