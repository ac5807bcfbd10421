"""How well scores separate normal from anomalous images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gnl_core.records import DomainReport, Report, Scores

RESAMPLES = 1000
INTERVAL_PERCENT = (2.5, 97.5)


def auroc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve: the chance that an anomaly scores above a normal image, ties half.

    The Mann-Whitney statistic by sorting. It is scikit-learn's number, without the two seconds of its
    import, for which the app's first chart would wait.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,).
        scores: Higher is more anomalous, shape (n,).

    Returns:
        A number in [0, 1], or None when one of the labels is absent.
    """
    normal, anomalous = np.sort(scores[labels == 0]), scores[labels == 1]
    if not len(normal) or not len(anomalous):
        return None
    below = np.searchsorted(normal, anomalous, side="left")
    not_above = np.searchsorted(normal, anomalous, side="right")
    return float((below + not_above).mean() / (2 * len(normal)))


def auroc_interval(
    labels: NDArray[np.int64], scores: NDArray[np.float64], *, seed: int = 0
) -> tuple[float, float] | None:
    """Bootstrap 95 % interval of the AUROC: images resampled within each label, 1,000 times.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,).
        scores: Higher is more anomalous, shape (n,).
        seed: Decides the resampling.

    Returns:
        Lower and upper bound, or None when one of the labels is absent.
    """
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    if not len(normal) or not len(anomalous):
        return None
    generator = np.random.default_rng(seed)
    wins = (anomalous[None] > normal[:, None]) + 0.5 * (anomalous[None] == normal[:, None])
    normal_shares, anomalous_shares = (
        generator.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n for n in (len(normal), len(anomalous))
    )
    resampled = ((normal_shares @ wins) * anomalous_shares).sum(axis=1)
    low, high = np.percentile(resampled, INTERVAL_PERCENT)
    return float(low), float(high)


def report_domain(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> DomainReport:
    """Measure one domain."""
    return DomainReport(
        auroc=auroc(labels, scores),
        auroc_interval=auroc_interval(labels, scores),
        n_normal=int((labels == 0).sum()),
        n_anomalous=int((labels == 1).sum()),
    )


def report(scores: Scores, *, in_distribution: str) -> Report:
    """Measure each domain, and the drop from the in-distribution domain to each shifted one.

    Args:
        scores: Rows of any number of domains.
        in_distribution: Name of the domain of the training images.
    """
    domains = {
        str(name): report_domain(scores.label[scores.domain == name], scores.score[scores.domain == name])
        for name in dict.fromkeys(scores.domain.tolist())
    }
    reference = domains[in_distribution].auroc if in_distribution in domains else None
    drops = {
        name: reference - domain.auroc
        for name, domain in domains.items()
        if name != in_distribution and reference is not None and domain.auroc is not None
    }
    return Report(domains=domains, drops=drops)


def threshold_at(training_scores: NDArray[np.float64], *, quantile: float) -> float:
    """The score that a share of the normal training images does not exceed; no anomaly is looked at."""
    return float(np.quantile(training_scores, quantile))


def exceedance(scores: NDArray[np.float64], threshold: float) -> float:
    """Share of scores above a threshold, in [0, 1]: false alarms among normal images, detections among anomalies."""
    return float((scores > threshold).mean())
