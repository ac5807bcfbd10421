"""Match a domain: one monotone map per channel, the same for all images of the domain.

Feature distribution matching (`gnl_core.distribution_matching`, Eq. 1) gives every image the reference's distribution,
and so erases a part of what sets an anomaly apart. A map estimated from several images moves the domain and keeps the
differences between its images: values of one channel keep their order across images.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gnl_core.distribution_matching import sort_features

TABLE_SIZE = 256  # values of a map that are stored per channel
END_PERCENT = 0.5  # share of the values at either end that place no knot, percent
LEVELS = torch.linspace(END_PERCENT / 100, 1 - END_PERCENT / 100, TABLE_SIZE)
FEW_LEVELS = LEVELS[4::8]  # which show the spread of images as well as all levels do
FEWEST_FOR_SPREAD = 8  # images from which the target's own spread is trusted where it is smaller than the references'
FEWEST_FOR_EXCESS = 4  # images whose spread can be compared with another domain's
LARGEST_SLOPE = 5.0  # of a map beyond its ends; the smallest is its reciprocal


class ChannelMap(NamedTuple):
    """A monotone, piecewise linear map for each of C channels.

    Attributes:
        low: Where each channel's table begins, shape (C,).
        high: Where it ends, above `low`, shape (C,).
        table: Values at K evenly spaced places from `low` to `high`, ascending, shape (C, K).
        slope: Slope beyond both ends, shape (C,).
        displacement: Share of each channel's displacement that exceeds sampling noise, in [0, 1], shape (C,).
            It is the share to which the map is carried out; at 0 the map is the identity.
    """

    low: Tensor
    high: Tensor
    table: Tensor
    slope: Tensor
    displacement: Tensor


def fit_channel_map(target: Tensor, references: Tensor) -> ChannelMap:
    """Estimate the map that carries a domain's values to the training images' values, quantile to quantile.

    The map is shrunk toward the identity by the share of the displacement that sampling a few images explains
    (positive-part James-Stein): domains that are equal up to noise are left as they are.

    Args:
        target: One stage's map of n images of the domain, shape (n, C, H, W) or (n, C, M).
        references: Sorted values of R training images at the same stage, shape (R, C, N).

    Returns:
        The map of each channel; the order of the target's images has no influence. A channel that is constant in the
        target is only shifted, to the middle of the references' range.

    Raises:
        ValueError: If the channels differ, or no channel of the target varies.
    """
    if target.shape[1] != references.shape[1]:
        raise ValueError(
            f"features have {target.shape[1]} channels but the references have {references.shape[1]}; "
            "take both from the same stage of the same teacher"
        )
    target = sort_features(target)
    here, there = pooled_quantiles(target), pooled_quantiles(references)
    if not (here[:, -1] > here[:, 0]).any():
        raise ValueError("the images have the same features everywhere, as a constant image does; pass other images")
    displacement = shrinkage(here - there, noise=sampling_noise(target, references))
    span = here[:, -1] - here[:, 0]
    smallest = torch.finfo(span.dtype).eps * here.abs().amax(dim=1).clamp_min(1)
    low, high = here[:, 0], here[:, 0] + torch.maximum(span, smallest)
    places = low[:, None] + (high - low)[:, None] * torch.linspace(0, 1, TABLE_SIZE, device=low.device)
    mapped = interpolate(places, here, there)
    constant = span <= 0  # such a channel shows where its values lie, but not how they spread: it is only shifted
    mapped = torch.where(constant[:, None], places + (mapped - places)[:, :1], mapped)
    share = displacement[:, None]
    ratio = ((there[:, -1] - there[:, 0]) / (high - low)).clamp(1 / LARGEST_SLOPE, LARGEST_SLOPE)
    ratio = torch.where(constant, 1.0, ratio)
    return ChannelMap(
        low=low,
        high=high,
        table=torch.lerp(places, mapped, share),
        slope=torch.lerp(torch.ones_like(ratio), ratio, displacement),
        displacement=displacement,
    )


def pooled_quantiles(sorted_values: Tensor) -> Tensor:
    """Quantiles of each channel's values over all images, at `LEVELS`.

    Images of many values enter by their own quantiles, which takes a fraction of the time.

    Args:
        sorted_values: Each image's values in ascending order, shape (n, C, N).

    Returns:
        Ascending values, shape (C, K).
    """
    drawn = quantiles(sorted_values) if sorted_values.shape[2] > TABLE_SIZE else sorted_values
    return quantiles(sort_features(drawn.transpose(0, 1).flatten(1)[None]))[0]


def quantiles(sorted_values: Tensor, levels: Tensor = LEVELS) -> Tensor:
    """Quantiles of sorted values (..., C, N) at K levels, interpolated; shape (..., C, K)."""
    places = levels.to(sorted_values) * (sorted_values.shape[-1] - 1)
    below = places.floor().long()
    above = (below + 1).clamp_max(sorted_values.shape[-1] - 1)
    lower, upper = sorted_values.index_select(-1, below), sorted_values.index_select(-1, above)
    return torch.lerp(lower, upper, places - below)


def interpolate(places: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Interpolate linearly between knots; where several knots coincide, take the middle of their values.

    Args:
        places: Where to read, within the knots' range or above it, shape (C, P).
        knots: Ascending, shape (C, K).
        values: Ascending values at the knots, shape (C, K).

    Returns:
        Shape (C, P).
    """
    places, last = places.contiguous(), knots.shape[1] - 1
    first_above = torch.searchsorted(knots, places, right=True)
    first_at = torch.searchsorted(knots, places, right=False)
    at_knot = (values.gather(1, first_at.clamp_max(last)) + values.gather(1, (first_above - 1).clamp_min(0))) / 2
    left, right = (first_at - 1).clamp_min(0), first_at.clamp_max(last)
    width = knots.gather(1, right) - knots.gather(1, left)
    share = (places - knots.gather(1, left)) / torch.where(width > 0, width, 1)
    between = torch.lerp(values.gather(1, left), values.gather(1, right), share.clamp(0, 1))
    return torch.where(first_above > first_at, at_knot, between)


def sampling_noise(target: Tensor, references: Tensor) -> Tensor:
    """Mean squared difference of two domains' quantiles that is expected where the domains are equal.

    Each domain contributes the variance of its images' quantiles divided by their number. A single image shows no
    variance and takes that of the other domain; few images take the larger of the two.

    Args:
        target: Sorted values of n images, shape (n, C, M).
        references: Sorted values of R images, shape (R, C, N).

    Returns:
        Shape (C,), 0 or more; 0 where both domains have a single image.
    """
    of_target, of_references = image_variance(target), image_variance(references)
    if of_references is None:
        of_references = torch.zeros_like(references[0, :, 0]) if of_target is None else of_target
    if of_target is None:
        of_target = of_references
    if len(target) < FEWEST_FOR_SPREAD:
        of_target = torch.maximum(of_target, of_references)
    return of_target / len(target) + of_references / len(references)


def image_variance(sorted_values: Tensor) -> Tensor | None:
    """Variance of the images' quantiles, averaged over levels, shape (C,); None for a single image.

    Args:
        sorted_values: Shape (n, C, N).
    """
    return quantiles(sorted_values, FEW_LEVELS).var(dim=0).mean(dim=1) if len(sorted_values) > 1 else None


def spread_excess(target: Tensor, references: Tensor) -> float:
    """How much more images of a domain differ among themselves than training images do.

    Args:
        target: Sorted values of n images after the domain is matched, shape (n, C, M).
        references: Sorted values of R training images, shape (R, C, N).

    Returns:
        1 - s, averaged over channels, in [0, 1], with s the standard deviation of the references' quantiles over the
        target's, at most 1; 0 for fewer than four images of either, whose spread is not known.
    """
    of_target, of_references = image_variance(target), image_variance(references)
    if min(len(target), len(references)) < FEWEST_FOR_EXCESS or of_target is None or of_references is None:
        return 0.0
    ratio = (of_references / torch.where(of_target > 0, of_target, 1)).clamp(max=1)
    return float((1 - torch.where(of_target > 0, ratio, 1).sqrt()).mean())


def shrinkage(difference: Tensor, *, noise: Tensor) -> Tensor:
    """Share of a displacement that noise does not explain (positive-part James-Stein).

    Args:
        difference: Difference of two quantile functions, shape (C, K).
        noise: Its expected mean square where the domains are equal, shape (C,).

    Returns:
        Shares in [0, 1], shape (C,): 0 where the displacement is no larger than noise.
    """
    square = difference.square().mean(dim=1)
    return (1 - noise / torch.where(square > 0, square, 1)).clamp(0, 1) * (square > 0)


def apply_channel_map(features: Tensor, channel_map: ChannelMap, *, strength: float) -> Tensor:
    """Carry features over; each channel's values keep their order.

    Args:
        features: Feature maps, shape (B, C, H, W).
        channel_map: What `fit_channel_map` estimated.
        strength: In [0, 1]: 0 returns the features, 1 carries the map out.

    Returns:
        Mapped features, shape (B, C, H, W).
    """
    if strength == 0:
        return features
    low, high, slope = (part[:, None, None] for part in (*channel_map[:2], channel_map.slope))
    last = channel_map.table.shape[1] - 1
    place = ((features - low) * (last / (high - low))).clamp(0, last)
    below = place.floor().clamp_max(last - 1)
    first = torch.arange(len(channel_map.table), device=features.device)[:, None, None] * (last + 1)
    position = below.long() + first
    table = channel_map.table.flatten()
    inside = torch.lerp(table[position], table[position + 1], place - below)
    beyond = (features - low).clamp_max(0) + (features - high).clamp_min(0)
    return torch.lerp(features, inside + slope * beyond, strength)
