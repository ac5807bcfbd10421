"""The AUROC as a mean over images, and intervals of AUROCs, of their means and of paired differences.

DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988: each image has a placement, the share of the other
label's images that it is on the right side of. The AUROC is the mean placement of either label, and the
placements' variance is its variance. Placements of several runs over the same images can be averaged and
subtracted image by image, which keeps what the runs have in common out of the interval of their difference.

Placements come from sorting, so time grows as n log n and memory as n (Sun & Xu, IEEE Signal Processing
Letters 21, 2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import all_finite

NORMAL_QUANTILE = 1.959964  # of 97.5 %: two-sided 95 %


class Placements(NamedTuple):
    """Each image's placement: the share of the other label's images that it is on the right side of; ties count half.

    Attributes:
        normal: Share of anomalies above each normal image, shape (n_normal,).
        anomalous: Share of normal images below each anomaly, shape (n_anomalous,).
    """

    normal: NDArray[np.float64]
    anomalous: NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over classes and seeds, of AUROCs or of differences between them.

    Attributes:
        value: The mean over classes of the mean over seeds.
        standard_error: Standard error of the mean over test images; infinite if a label has one image.
        seed_means: Mean over the classes for each seed that has all of them.
        independent_pairs: Effective number of pairs under perfect separation; see `independent_pairs`.
    """

    value: float
    standard_error: float
    seed_means: dict[int, float]
    independent_pairs: float


def auroc_interval(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float, float] | None:
    """95 % interval of the AUROC of one domain, over test images; see `interval_of_auroc`.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,); other images are ignored.
        scores: Higher is more anomalous, shape (n,).

    Returns:
        Lower and upper bound in [0, 1], or None when one of the labels is absent.
    """
    placements = place(labels, scores)
    return None if placements is None else interval_of_auroc(estimate({("", 0): placements}))


def place(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Placements | None:
    """Compute the placement of each image among those of the other label.

    Args:
        labels: 0 for normal, 1 for anomalous, shape (n,).
        scores: Higher is more anomalous, shape (n,).

    Returns:
        The placements in the images' order, or None when one of the labels is absent or a score is not finite.
    """
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    if not len(normal) or not len(anomalous) or not all_finite(scores):
        return None
    return Placements(normal=1 - share_below(normal, anomalous), anomalous=share_below(anomalous, normal))


def share_below(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each score the share of the others below it; ties count half."""
    ordered = np.sort(others)
    twice = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    return twice / (2 * len(others))


def subtract(left: Placements, right: Placements) -> Placements:
    """Subtract the placements of two runs over the same images, image by image."""
    return Placements(left.normal - right.normal, left.anomalous - right.anomalous)


def extend(placements: Placements, normal: NDArray[np.bool_], anomalous: NDArray[np.bool_]) -> Placements:
    """Extend placements of some images to more images of each label, so that they can be averaged over seeds.

    Seeds may judge different images. An image without a placement takes no side: it gets the mean of its label, and
    the deviations of the others grow by the number of all images over theirs. The mean, which is the AUROC, stays;
    averaged over seeds, each image deviates by what it contributes to the mean AUROC, which is what DeLong's variance
    needs. Differences extend to the difference of the extended.

    Args:
        placements: Placements of the images that were judged.
        normal: Which of all normal images were judged, shape (n_normal,).
        anomalous: Likewise for the anomalous ones, shape (n_anomalous,).
    """
    return Placements(extend_values(placements.normal, normal), extend_values(placements.anomalous, anomalous))


def extend_values(values: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Extend the values of the images that are present to all images; see `extend`."""
    extended = np.full(len(present), values.mean())
    extended[present] += (values - values.mean()) * (len(present) / len(values))
    return extended


def average(parts: Sequence[Placements]) -> Placements:
    """Average the placements of several runs over the same images, image by image."""
    return Placements(*(np.mean(columns, axis=0) for columns in zip(*parts, strict=True)))


def estimate(units: Mapping[tuple[str, int], Placements]) -> Estimate:
    """Average over seeds, which share their images, then over classes, whose images count as independent.

    Args:
        units: Class and seed to the placements of that run, or of a difference of runs; at least one.
    """
    classes = dict.fromkeys(normal_class for normal_class, _ in units)
    means = [average([part for (owner, _), part in units.items() if owner == one]) for one in classes]
    variance = sum(variance_of_mean(values) for part in means for values in part) / len(means) ** 2
    by_seed: dict[int, list[float]] = {}
    for (_, seed), part in units.items():
        by_seed.setdefault(seed, []).append(float(part.anomalous.mean()))
    return Estimate(
        value=float(np.mean([part.anomalous.mean() for part in means])),
        standard_error=math.sqrt(variance),
        seed_means={seed: float(np.mean(values)) for seed, values in by_seed.items() if len(values) == len(classes)},
        independent_pairs=len(means) ** 2 / sum(1 / independent_pairs(*map(len, part)) for part in means),
    )


def average_estimates(parts: Sequence[Estimate]) -> Estimate:
    """Average the estimates of several domains.

    Their images may be the same under different shifts, so the standard error is the mean of theirs: the largest
    possible value for any correlation.
    """
    seeds = set[int].intersection(*(set(part.seed_means) for part in parts))
    return Estimate(
        value=float(np.mean([part.value for part in parts])),
        standard_error=float(np.mean([part.standard_error for part in parts])),
        seed_means={seed: float(np.mean([part.seed_means[seed] for part in parts])) for seed in sorted(seeds)},
        independent_pairs=min(part.independent_pairs for part in parts),
    )


def independent_pairs(n_normal: int, n_anomalous: int) -> float:
    """Return the effective number of independent pairs of a normal and an anomalous image in a domain.

    Newcombe's variance of an AUROC A (Statistics in Medicine 25, 2006, part 2, method 5) tends to A (1 - A) divided by
    this number as A tends to 1. It is about twice the harmonic mean of both counts.
    """
    return 4 * n_normal * n_anomalous / (n_normal + n_anomalous + 2)


def variance_of_mean(values: NDArray[np.float64]) -> float:
    """Estimate the variance of the values' mean; infinite for a single value."""
    return float(np.var(values, ddof=1) / len(values)) if len(values) > 1 else math.inf


def spread(mean: Estimate) -> float | None:
    """Return the standard deviation over seeds; None for fewer than two."""
    return float(np.std(list(mean.seed_means.values()), ddof=1)) if len(mean.seed_means) > 1 else None


def interval_of_auroc(auroc: Estimate) -> tuple[float, float]:
    """95 % interval of an AUROC, or of a mean of AUROCs, over test images: Wilson's, with DeLong's variance.

    An AUROC A with variance V is as uncertain as a proportion of A (1 - A) / V independent pairs. Wilson's interval of
    that proportion is asymmetric near 0 and 1, where `A ± 1.96 sqrt(V)` is too short. No interval excludes more than
    that of a perfect separation of the same images would. For that one V is 0, and the number of pairs follows from
    the counts of images.

    Args:
        auroc: The estimated AUROC.

    Returns:
        Lower and upper bound in [0, 1]; 0 and 1 where a label has one image, as V is then unknown.
    """
    pairs, variance = auroc.independent_pairs, auroc.standard_error**2
    effective = auroc.value * (1 - auroc.value) / variance if variance else pairs
    low, high = wilson_interval(auroc.value, count=effective)
    perfect, _ = wilson_interval(1.0, count=pairs)
    return min(low, perfect), max(high, 1 - perfect)


def wilson_interval(share: float, *, count: float) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson, JASA 22, 1927).

    Args:
        share: The observed proportion, in [0, 1].
        count: Number of independent trials, 0 or more; need not be whole.
    """
    square = NORMAL_QUANTILE**2
    centre = count * share + square / 2
    reach = NORMAL_QUANTILE * math.sqrt(count * share * (1 - share) + square / 4)
    low, high = (centre - reach) / (count + square), (centre + reach) / (count + square)
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding must not exclude 0, 1 or the share itself


def interval_of_difference(difference: Estimate) -> tuple[float, float]:
    """95 % interval of a difference of AUROCs over the same test images, in [-1, 1]: DeLong's.

    It has zero width if two methods give every image the same placement.
    """
    reach = NORMAL_QUANTILE * difference.standard_error
    return max(-1.0, difference.value - reach), min(1.0, difference.value + reach)


def is_clear(difference: Estimate) -> bool:
    """Return whether a difference is significant at the 95 % level, over test images and, if several, seeds."""
    over_seeds = (spread(difference) or 0.0) ** 2 / max(1, len(difference.seed_means))
    return abs(difference.value) > NORMAL_QUANTILE * math.sqrt(difference.standard_error**2 + over_seeds)
