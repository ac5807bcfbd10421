"""The threshold above which an image is called anomalous, chosen on normal images only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import check_scores, count_not_finite
from gnl_core.records import Scores, Threshold


def choose_threshold(held_out: Scores | None, *, quantile: float) -> Threshold:
    """Choose the threshold of a run: a quantile of the scores of its held-out normal training images.

    Args:
        held_out: Scores of those images, or None if there are none. If any is not finite, there is no threshold.
        quantile: Share of the scores that do not exceed the threshold, in (0, 1).
    """
    if held_out is None:
        return Threshold(value=None, quantile=quantile, n_held_out=0)
    count, not_finite = len(held_out.score), count_not_finite(held_out.score)
    value = None if not_finite else threshold_at(held_out.score, quantile=quantile)
    return Threshold(value, quantile, n_held_out=count, n_not_finite=not_finite)


def threshold_at(normal_scores: NDArray[np.float64], *, quantile: float) -> float:
    """Return the score that a given share of normal images does not exceed.

    Raises:
        DivergedError: If a score is not finite.
    """
    check_scores(normal_scores, source="there is no threshold")
    return float(np.quantile(normal_scores, quantile))
