"""Choose a threshold for a new domain from a few of its images.

From images known to be normal, the threshold is a conformal quantile with a stated promise (Vovk et al., Algorithmic
Learning in a Random World, 2005; Papadopoulos et al., 2002). From unlabelled images there is no promise, only an
assumption about the share of anomalies among them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.records import RecalibratedThreshold

ROUNDING = 1e-9  # of (k + 1) (1 - rate), which must not raise a rank


class Aim(NamedTuple):
    """What a threshold aims at, and what is known of the images that it is chosen from.

    Attributes:
        known_normal: Whether all images are known to be normal; the threshold then has a promise.
        false_alarm_rate: Rate of false alarms among normal images that is wanted, in (0, 1).
        anomaly_share: Assumed share of anomalies among images that are not known to be normal, in [0, 1).
    """

    known_normal: bool = False
    false_alarm_rate: float = 0.05
    anomaly_share: float = 0.1


USUAL_AIM = Aim()


def recalibrate(scores: NDArray[np.float64], aim: Aim) -> RecalibratedThreshold:
    """Choose a threshold from the scores of images of the new domain, by what is known of them."""
    if aim.known_normal:
        return conformal_threshold(scores, false_alarm_rate=aim.false_alarm_rate)
    return assumed_threshold(scores, false_alarm_rate=aim.false_alarm_rate, anomaly_share=aim.anomaly_share)


def smallest_promise(count: int) -> float:
    """The smallest rate of false alarms that k normal images can promise: 1 / (k + 1)."""
    return 1 / (count + 1)


def conformal_threshold(normal_scores: NDArray[np.float64], *, false_alarm_rate: float) -> RecalibratedThreshold:
    """Choose the threshold that normal images exceed at most at a given rate, on average.

    It is the m-th smallest of k scores with m = ceil((k + 1) (1 - rate)), or the largest where m exceeds k. Where the
    next normal image's score is exchangeable with these, it exceeds the threshold with a probability of at most
    1 - m / (k + 1), averaged over the choice of the k images.

    Args:
        normal_scores: Scores of k normal images of the domain, each computed without itself in the adaptation,
            shape (k,) with k at least 1.
        false_alarm_rate: The rate that is wanted, in (0, 1).

    Returns:
        The threshold with its promise, which exceeds the rate that is wanted where k is below 1 / rate - 1.

    Raises:
        ValueError: If there is no score, or the rate is out of range.
    """
    count = check_count(normal_scores)
    check_rate(false_alarm_rate)
    wanted = math.ceil((count + 1) * (1 - false_alarm_rate) - ROUNDING)
    rank = min(count, max(1, wanted))
    value = float(np.sort(normal_scores)[rank - 1])
    return RecalibratedThreshold(value, count, promised_rate=1 - rank / (count + 1), assumed_share=None)


def assumed_threshold(
    scores: NDArray[np.float64], *, false_alarm_rate: float, anomaly_share: float
) -> RecalibratedThreshold:
    """Choose a threshold from unlabelled images, on the assumption that all anomalies score above all normal images.

    Args:
        scores: Scores of n unlabelled images of the domain, shape (n,) with n at least 1.
        false_alarm_rate: The rate that is wanted among normal images, in (0, 1).
        anomaly_share: Assumed share of anomalies among the images, in [0, 1).

    Returns:
        The quantile (1 - share) (1 - rate) of the scores, interpolated; without a promise.

    Raises:
        ValueError: If there is no score, or the rate or the share is out of range.
    """
    count = check_count(scores)
    check_rate(false_alarm_rate)
    if not 0 <= anomaly_share < 1:
        raise ValueError(f"the share of anomalies must be at least 0 and below 1, got {anomaly_share:g}")
    value = float(np.quantile(scores, (1 - anomaly_share) * (1 - false_alarm_rate)))
    return RecalibratedThreshold(value, count, promised_rate=None, assumed_share=anomaly_share)


def check_rate(false_alarm_rate: float) -> None:
    """Refuse a rate of false alarms that no threshold can aim at.

    Raises:
        ValueError: If it is not in (0, 1).
    """
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"the rate of false alarms must be between 0 and 1, got {false_alarm_rate:g}; 0.05 is usual")


def check_count(scores: NDArray[np.float64]) -> int:
    """Number of scores.

    Raises:
        ValueError: If there is none.
    """
    if not len(scores):
        raise ValueError("a threshold needs at least one image of the new domain, got none; pass some")
    return len(scores)
