"""Standardise anomaly maps by position: what is usual at a place in the new domain is no anomaly there.

Where objects lie in the same place in every image, a changed lamp or background raises the anomaly map in the same
places of every image. The median map of some images shows this pattern, and the median of absolute deviations shows
how much it varies. Both are robust: fewer than half of the images may be anomalous at a place.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gnl_core.anomaly_map import smooth

NORMAL_DEVIATION = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
SMOOTHING_SHARE = 1 / 64  # standard deviation of the smoothing over the map's shorter side
FLOOR_SHARE = 0.5  # smallest deviation over the median deviation of all positions
AGREEMENT_DRAWS = 8  # random halves of the images
FEWEST_IMAGES = 4  # below, a median of half of the images shows no pattern


class PositionStatistics(NamedTuple):
    """What anomaly maps of a domain are at each position.

    Attributes:
        median: Median over images, shape (H, W).
        deviation: Robust standard deviation over images, above 0, shape (H, W).
    """

    median: Tensor
    deviation: Tensor


def fit_positions(anomaly_maps: Tensor) -> PositionStatistics:
    """Estimate what is usual at each position.

    Args:
        anomaly_maps: Maps of n images of the domain, most of them normal, shape (n, 1, H, W).

    Returns:
        Median and deviation, lightly smoothed; the order of the images has no influence. Where most positions do not
        vary, as with a single image, the deviation is 1, so that only the median is subtracted.
    """
    maps = anomaly_maps[:, 0]
    median = middle(maps)
    deviation = NORMAL_DEVIATION * middle((maps - median).abs())
    sigma_px = SMOOTHING_SHARE * min(maps.shape[-2:])
    median, deviation = (smooth(part[None, None], sigma_px=sigma_px)[0, 0] for part in (median, deviation))
    floor = FLOOR_SHARE * deviation.median()
    return PositionStatistics(median, deviation.clamp_min(floor) if floor > 0 else torch.ones_like(deviation))


def middle(maps: Tensor) -> Tensor:
    """Median over the first dimension: the mean of the two middle values where their number is even."""
    ordered = maps.sort(dim=0).values
    return (ordered[(len(maps) - 1) // 2] + ordered[len(maps) // 2]) / 2


def standardise(anomaly_map: Tensor, statistics: PositionStatistics, *, strength: float) -> Tensor:
    """Express maps in robust standard deviations from what is usual at each position.

    Args:
        anomaly_map: Shape (B, 1, H, W).
        statistics: What is usual, shapes (H, W).
        strength: In [0, 1]: 0 returns the map, 1 subtracts the median and divides by the deviation.

    Returns:
        Maps of the same shape; 0 is usual, values below are less anomalous than usual.
    """
    if strength == 0:
        return anomaly_map
    return (anomaly_map - strength * statistics.median) / statistics.deviation**strength


def position_agreement(anomaly_maps: Tensor, *, seed: int = 0) -> float:
    """How well the median map of some images explains the maps of others: whether positions have a meaning.

    The images are halved at random several times; each map of one half is correlated with the median map of the
    other. No label is needed.

    Args:
        anomaly_maps: Shape (n, 1, H, W).
        seed: Decides the halves.

    Returns:
        Median correlation in [-1, 1]; 0 for fewer than four images.
    """
    maps = anomaly_maps[:, 0]
    if len(maps) < FEWEST_IMAGES:
        return 0.0
    order = torch.argsort(maps.flatten(1).mean(dim=1), stable=True)  # the same halves in any order of the images
    maps, generator = maps[order], torch.Generator().manual_seed(seed)
    agreements = []
    for _ in range(AGREEMENT_DRAWS):
        shuffled = maps[torch.randperm(len(maps), generator=generator)]
        half = len(maps) // 2
        agreements.append(correlation(middle(shuffled[:half]), shuffled[half:]).median())
    return float(torch.stack(agreements).median())


def familiarity(training_maps: Tensor, anomaly_maps: Tensor) -> float:
    """How well the median map of training images explains the maps of a domain.

    Where it does, the domain raises no map in new places, and there is nothing to standardise.

    Args:
        training_maps: Maps of training images, shape (m, 1, H, W).
        anomaly_maps: Maps of the domain, shape (n, 1, H, W).

    Returns:
        Median correlation in [-1, 1].
    """
    return float(correlation(middle(training_maps[:, 0]), anomaly_maps[:, 0]).median())


def correlation(pattern: Tensor, maps: Tensor) -> Tensor:
    """Pearson correlation of a map (H, W) with each of n maps (n, H, W), shape (n,); 0 where one is constant."""
    pattern, maps = pattern.flatten(), maps.flatten(1)
    pattern, maps = pattern - pattern.mean(), maps - maps.mean(dim=1, keepdim=True)
    norms = pattern.norm() * maps.norm(dim=1)
    return torch.where(norms > 0, maps @ pattern / torch.where(norms > 0, norms, 1), 0)
