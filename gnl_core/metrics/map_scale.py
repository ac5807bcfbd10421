"""The colour scale of anomaly maps, chosen on normal training images only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import check_scores
from gnl_core.metrics.threshold import threshold_at

MAP_SCALE_QUANTILE = 0.995
MAP_SCALE_IMAGES = 256


def sampling_step(count: int, *, limit: int) -> int:
    """Return the step that picks at most `limit` of `count` rows at even spacing; 1 if all are within the limit."""
    return max(1, -(-count // limit))


def scale_of_maxima(maxima: NDArray[np.floating[Any]]) -> float:
    """Return the upper end of the scale: the 99.5 % quantile of the map maxima of normal images.

    Args:
        maxima: Largest value of each map, shape (n,) with n at least 1.

    Raises:
        DivergedError: If a maximum is not finite.
    """
    check_scores(maxima.astype(np.float64), source="the anomaly maps have no scale")
    return threshold_at(maxima.astype(np.float64), quantile=MAP_SCALE_QUANTILE)


def scale_of_scores(learnt: NDArray[np.float64], held_out: NDArray[np.float64] | None) -> float:
    """Return the scale from scores that are map maxima, without a detector; equals `gnl_core.runs.scoring.map_scale`.

    Args:
        learnt: Scores of the normal images that the run trains on, in their order.
        held_out: Scores of those that it holds out, in their order; None if it holds out none.

    Raises:
        DivergedError: If a score is not finite.
    """
    scores = learnt if held_out is None else np.concatenate([learnt, held_out])
    return scale_of_maxima(scores[:: sampling_step(len(scores), limit=MAP_SCALE_IMAGES)])
