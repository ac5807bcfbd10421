"""A threshold that follows a drifting line: it keeps its distance above the running median of unalarming scores.

A quantile near the top of the scores without an alarm cannot serve as the threshold: none of them exceeds an earlier
threshold, so it never rises, and it falls a little with each window that its own alarms have cut off. The median
hardly depends on the few images cut off.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import check_scores


class FixedThreshold(NamedTuple):
    """A run's own threshold, where following starts.

    Attributes:
        value: The score above which an image raises an alarm.
        usual: The median score of the held-out normal images that it was chosen from, below `value`.
        quantile: Share of their scores that do not exceed it, in (0, 1).
        n_held_out: Number of those images.
    """

    value: float
    usual: float
    quantile: float
    n_held_out: int

    @property
    def margin(self) -> float:
        """Distance of the threshold above the median, the unit of drift."""
        return self.value - self.usual


@dataclass(frozen=True)
class Following:
    """One row per image, in order of time, n in all.

    Attributes:
        score: Anomaly score, shape (n,).
        threshold: The following threshold in force for each image, chosen from earlier images alone, shape (n,).
        drift: How far the running median of earlier images lies above the fixed threshold's median, in margins, shape
            (n,); 0 while there are too few of them.
        fixed: The fixed threshold.
        most_drift: Largest drift that the following threshold accepts, in margins.
    """

    score: NDArray[np.float64]
    threshold: NDArray[np.float64]
    drift: NDArray[np.float64]
    fixed: FixedThreshold
    most_drift: float

    @property
    def fixed_alarm(self) -> NDArray[np.bool_]:
        """Whether each image raises an alarm under the fixed threshold."""
        return self.score > self.fixed.value

    @property
    def following_alarm(self) -> NDArray[np.bool_]:
        """Whether each image raises an alarm under the following threshold."""
        return self.score > self.threshold

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Whether each image raises an alarm under the fixed threshold alone."""
        return self.fixed_alarm & ~self.following_alarm

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Whether the line has drifted beyond what the following threshold accepts, before each image."""
        return self.drift > self.most_drift

    @property
    def rise(self) -> NDArray[np.float64]:
        """How far the following threshold lies above the fixed one, in margins; negative if it is lower."""
        return (self.threshold - self.fixed.value) / self.fixed.margin


def follow(
    scores: NDArray[np.float64], fixed: FixedThreshold, *, window: int, minimum: int, most_drift: float
) -> Following:
    """Let a threshold follow the scores of images in order of time.

    For each image the threshold is the running median plus the fixed threshold's margin. The median is that of the
    last images that raised no alarm under the following threshold, the image itself not included. Until there are
    enough of them, the fixed threshold is in force. It rises by at most `most_drift` margins, and is not limited when
    it falls.

    Args:
        scores: Anomaly scores in order of time, shape (n,).
        fixed: The threshold to start from.
        window: Number of images in the running median.
        minimum: Number of images from which there is a running median, at most `window`.
        most_drift: Largest drift to accept, in margins, 0 or more.

    Raises:
        DivergedError: If a score is not finite.
        ValueError: If the fixed threshold has no margin, or `minimum` exceeds `window`.
    """
    check_scores(scores, source="no threshold can follow")
    check_following(fixed, window=window, minimum=minimum)
    recent: deque[float] = deque(maxlen=window)
    thresholds, drifts = [], []
    for score in scores:
        drift = (float(np.median(recent)) - fixed.usual) / fixed.margin if len(recent) >= minimum else 0.0
        threshold = fixed.value + min(drift, most_drift) * fixed.margin
        drifts.append(drift)
        thresholds.append(threshold)
        if score <= threshold:
            recent.append(float(score))
    return Following(scores, np.array(thresholds), np.array(drifts), fixed, most_drift)


def check_following(fixed: FixedThreshold, *, window: int, minimum: int) -> None:
    """Check that a threshold can follow; see `follow`."""
    if fixed.margin <= 0:
        raise ValueError(
            f"the fixed threshold {fixed.value:.4g} does not exceed {fixed.usual:.4g}, the median of the held-out "
            "images, so it has no margin to keep; use a --threshold-quantile above 0.5, or a run that holds out more "
            "images"
        )
    if minimum > window:
        raise ValueError(
            f"a window of {window} images never holds --minimum {minimum}; make --window at least as large"
        )


class Block(NamedTuple):
    """Consecutive images.

    Attributes:
        start: Position of the first image, from 0.
        stop: Position after the last image.
        median: Median score.
        n_fixed: Number of alarms under the fixed threshold.
        n_following: Number of alarms under the following threshold.
        threshold: The following threshold in force for the last image.
    """

    start: int
    stop: int
    median: float
    n_fixed: int
    n_following: int
    threshold: float


def cut_blocks(following: Following, *, size: int) -> list[Block]:
    """Cut the images into blocks of a size, in order of time; the last one has the remainder."""
    count = len(following.score)
    return [summarise(following, start=start, stop=min(start + size, count)) for start in range(0, count, size)]


def summarise(following: Following, *, start: int, stop: int) -> Block:
    """Summarise the images from one position up to another."""
    part = slice(start, stop)
    return Block(
        start,
        stop,
        median=float(np.median(following.score[part])),
        n_fixed=int(following.fixed_alarm[part].sum()),
        n_following=int(following.following_alarm[part].sum()),
        threshold=float(following.threshold[stop - 1]),
    )
