"""Image metrics: how well scores separate normal from anomalous images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import count_not_finite
from gnl_core.metrics import ranking
from gnl_core.metrics.intervals import auroc_interval
from gnl_core.records import DomainReport, PixelReport, RecalibratedThreshold, Report, Scores, Threshold

NO_PIXELS = PixelReport()


def auroc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve: the chance that an anomaly scores above a normal image, ties half.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,); other images are ignored.
        scores: Higher is more anomalous, shape (n,).

    Returns:
        A number in [0, 1], or None when one of the labels is absent or a score is not finite.
    """
    ranks = ranking.rank(scores[labels == 0], scores[labels == 1])
    return None if ranks is None else ranking.area_under_roc(ranks)


def average_precision(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Average precision: precision at each anomaly's score, averaged over the anomalies.

    Random scores give the share of anomalies.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,); other images are ignored.
        scores: Higher is more anomalous, shape (n,).

    Returns:
        A number in (0, 1], or None when one of the labels is absent or a score is not finite.
    """
    ranks = ranking.rank(scores[labels == 0], scores[labels == 1])
    return None if ranks is None else ranking.average_precision(ranks)


def f1(labels: NDArray[np.int64], scores: NDArray[np.float64], *, threshold: float | None) -> float | None:
    """F1, the harmonic mean of precision and recall of the anomalies, with scores above the threshold as detections.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,); other images are ignored.
        scores: Higher is more anomalous, shape (n,).
        threshold: Score above which an image is called anomalous, or None.

    Returns:
        A number in [0, 1], or None without a threshold or when one of the labels is absent.
    """
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    if threshold is None or not len(normal) or not len(anomalous):
        return None
    hits, false_alarms = int((anomalous > threshold).sum()), int((normal > threshold).sum())
    return 2 * hits / (hits + false_alarms + len(anomalous))


def false_alarm_rate(
    labels: NDArray[np.int64], scores: NDArray[np.float64], *, threshold: float | None
) -> float | None:
    """Share of the normal images above a threshold, in [0, 1]; None without a threshold or such images."""
    normal = scores[labels == 0]
    return None if threshold is None or not len(normal) else exceedance(normal, threshold)


def miss_rate(labels: NDArray[np.int64], scores: NDArray[np.float64], *, threshold: float | None) -> float | None:
    """Share of the anomalous images not above a threshold, in [0, 1]; None without a threshold or such images."""
    anomalous = scores[labels == 1]
    return None if threshold is None or not len(anomalous) else 1 - exceedance(anomalous, threshold)


def report_domain(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    threshold: float | None = None,
    pixels: PixelReport = NO_PIXELS,
    shift_score: float | None = None,
) -> DomainReport:
    """Compute the metrics of one domain; with a score that is not finite, only counts and no score metrics.

    Args:
        labels: 0 for normal, 1 for anomalous, -1 for unlabelled, shape (n,).
        scores: Higher is more anomalous, shape (n,).
        threshold: The score above which an image is called anomalous, if one was chosen.
        pixels: Pixel metrics of its anomaly maps.
        shift_score: Distance of the domain from the training images, if measured.
    """
    n_normal, n_anomalous = int((labels == 0).sum()), int((labels == 1).sum())
    counted = DomainReport(
        auroc=None,
        auroc_interval=None,
        n_normal=n_normal,
        n_anomalous=n_anomalous,
        n_unlabelled=len(labels) - n_normal - n_anomalous,
        n_not_finite=count_not_finite(scores),
        shift_score=shift_score,
        **pixels._asdict(),
    )
    if counted.n_not_finite:
        return counted
    return counted._replace(
        auroc=auroc(labels, scores),
        auroc_interval=auroc_interval(labels, scores),
        average_precision=average_precision(labels, scores),
        f1=f1(labels, scores, threshold=threshold),
        false_alarm_rate=false_alarm_rate(labels, scores, threshold=threshold),
        miss_rate=miss_rate(labels, scores, threshold=threshold),
    )


def report(
    scores: Scores,
    *,
    in_distribution: str,
    threshold: Threshold | RecalibratedThreshold | None = None,
    pixels: Mapping[str, PixelReport] | None = None,
    shift_scores: Mapping[str, float | None] | None = None,
) -> Report:
    """Compute the metrics of each domain, and the AUROC drop from the in-distribution to each shifted domain.

    Args:
        scores: Rows of any number of domains.
        in_distribution: Name of the domain of the training images.
        threshold: The threshold, if there is one.
        pixels: Domain name to pixel metrics, for domains with masks.
        shift_scores: Domain name to shift score, for domains where it was measured.
    """
    domains = {
        str(name): report_domain(
            scores.label[scores.domain == name],
            scores.score[scores.domain == name],
            threshold=threshold.value if threshold else None,
            pixels=(pixels or {}).get(str(name), NO_PIXELS),
            shift_score=(shift_scores or {}).get(str(name)),
        )
        for name in dict.fromkeys(scores.domain.tolist())
    }
    reference = domains[in_distribution].auroc if in_distribution in domains else None
    drops = {
        name: reference - domain.auroc
        for name, domain in domains.items()
        if name != in_distribution and reference is not None and domain.auroc is not None
    }
    return Report(domains=domains, drops=drops, threshold=threshold)


def exceedance(scores: NDArray[np.float64], threshold: float) -> float:
    """Share of scores above a threshold, in [0, 1]: false alarms among normal images, detections among anomalies."""
    return float((scores > threshold).mean())
