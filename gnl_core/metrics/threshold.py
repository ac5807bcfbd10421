"""The threshold above which an image is called anomalous, chosen on normal images alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import check_scores, count_not_finite
from gnl_core.records import Scores, Threshold


def choose_threshold(held_out: Scores | None, *, quantile: float) -> Threshold:
    """The threshold of a run: a quantile of the scores of the normal training images that it held out.

    Args:
        held_out: Scores of those images, or None where there are none. With one that is not finite there is no
            threshold.
        quantile: Share of them that shall not exceed the threshold, in (0, 1).
    """
    if held_out is None:
        return Threshold(value=None, quantile=quantile, n_held_out=0)
    count, not_finite = len(held_out.score), count_not_finite(held_out.score)
    value = None if not_finite else threshold_at(held_out.score, quantile=quantile)
    return Threshold(value, quantile, n_held_out=count, n_not_finite=not_finite)


def threshold_at(normal_scores: NDArray[np.float64], *, quantile: float) -> float:
    """The score that a share of some normal images does not exceed; no anomaly is looked at.

    Raises:
        DivergedError: If a score is not finite.
    """
    check_scores(normal_scores, source="there is no threshold")
    return float(np.quantile(normal_scores, quantile))
