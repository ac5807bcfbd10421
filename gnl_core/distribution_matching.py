"""Match or mix the value distributions of feature maps.

Feature distribution matching (FDM; paper, Eq. 1) gives a map the distribution of a reference; MixStyle and EFDMix
mix distributions among the images of a training batch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_INT32 = 2**31 - 1
CACHED_VALUES = 2**18  # of which one part's keys take 2 MiB
SMALLEST_VARIANCE = 1e-6  # from MixStyle; avoids division by zero for a constant channel


def sort_features(features: Tensor) -> Tensor:
    """Sort each channel's values in ascending order.

    Args:
        features: Feature maps, shape (B, C, H, W).

    Returns:
        Sorted values, shape (B, C, H * W).
    """
    values = features.flatten(2)
    if not sorts_in_numpy(values):
        return values.sort(dim=2).values
    return torch.from_numpy(np.sort(values.detach().numpy(), axis=2))


def rank_positions(values: Tensor) -> Tensor:
    """Compute each channel's positions in ascending order of value; tied values in order of position.

    Args:
        values: Shape (B, C, N).

    Returns:
        Positions in [0, N), shape (B, C, N).
    """
    if not sorts_in_numpy(values):
        return values.sort(dim=2, stable=True).indices
    bits = (values.detach().contiguous() + 0.0).view(torch.int32)  # -0.0 becomes 0.0, since the two are tied
    halves = torch.empty(*bits.shape, 2, dtype=torch.int32)  # of a key; the second is the more significant one
    halves[..., 0] = torch.arange(values.shape[2], dtype=torch.int32)
    halves[..., 1] = torch.where(bits < 0, bits ^ LARGEST_INT32, bits)  # integers that sort like the floats
    keys = halves.view(torch.int64).squeeze(3)
    keys.numpy().sort(axis=2)
    return keys.bitwise_and_(LARGEST_INT32)


def sorts_in_numpy(values: Tensor) -> bool:
    """Whether NumPy can sort: without indices it is several times faster than PyTorch, but not in a traced graph."""
    traced = torch.compiler.is_compiling()
    return values.device.type == "cpu" and values.dtype == torch.float32 and sys.byteorder == "little" and not traced


def match_distribution(features: Tensor, sorted_reference: Tensor, *, style_weight: float) -> Tensor:
    """Pull each channel's values toward a reference's distribution; every value keeps its rank (Eq. 1).

    The i-th smallest value c of a channel becomes (1 - style_weight) * c + style_weight * v, with v
    the i-th smallest value of the reference's channel. Tied values take their order of position.

    Args:
        features: Feature maps, shape (B, C, H, W).
        sorted_reference: Sorted reference values, shape (C, N), or (B, C, N) for one reference per image;
            if N is not H * W, its quantiles are interpolated.
        style_weight: Strength in [0, 1]: 0 returns the features, 1 exactly the reference's values.

    Returns:
        Matched feature maps, shape (B, C, H, W).

    Raises:
        ValueError: If the channels differ.
    """
    if features.shape[1] != sorted_reference.shape[-2]:
        raise ValueError(
            f"features have {features.shape[1]} channels but the reference has {sorted_reference.shape[-2]}; "
            "take the reference from the same stage of the same teacher"
        )
    if style_weight == 0:
        return features
    return torch.lerp(features, take_distribution(features, sorted_reference), style_weight)


def take_distribution(features: Tensor, sorted_reference: Tensor) -> Tensor:
    """Match fully, as `match_distribution` does at strength 1; lower strengths interpolate toward this result."""
    values = features.flatten(2)
    target = resample_quantiles(sorted_reference, count=values.shape[2]).to(values.dtype).expand_as(values)
    if not sorts_in_numpy(values):
        return take_ranks(values, target).view(features.shape)
    matched = torch.empty_like(features, memory_format=layout_of(features))
    for part, part_values, part_target in zip(*map(cached_parts, (matched.flatten(2), values, target)), strict=True):
        part.copy_(take_ranks(part_values, part_target))
    return matched


def take_ranks(values: Tensor, target: Tensor) -> Tensor:
    """Return the target's values, ascending in each channel, in the order of the values; shapes (B, C, N)."""
    return torch.empty_like(target).scatter_(2, rank_positions(values.float()), target)


def cached_parts(values: Tensor) -> Iterator[Tensor]:
    """Cut values of shape (B, C, N) into parts that fit into a processor's cache: images, or channels of one image."""
    _, channels, count = values.shape
    for images in torch.split(values, max(1, CACHED_VALUES // (channels * count))):
        yield from torch.split(images, max(1, CACHED_VALUES // count), dim=1)


def layout_of(maps: Tensor) -> torch.memory_format:
    """Return whether maps lie with the channels last, or first."""
    last = maps.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def nearest_reference(features: Tensor, sorted_references: Tensor) -> Tensor:
    """Choose for each image the reference with the nearest value distributions.

    The distance is the squared 2-Wasserstein distance of the channels' values, summed over the channels.

    Args:
        features: Feature maps, shape (B, C, H, W).
        sorted_references: Sorted values of R references, shape (R, C, N).

    Returns:
        The chosen references, shape (B, C, H * W).
    """
    ordered = sort_features(features)
    references = resample_quantiles(sorted_references, count=ordered.shape[2])
    distances = torch.cdist(ordered.flatten(1), references.flatten(1))
    return references[distances.argmin(dim=1)]


def resample_quantiles(sorted_values: Tensor, *, count: int) -> Tensor:
    """Resample sorted values at evenly spaced quantiles, so that references fit images of another size.

    Args:
        sorted_values: Ascending values, shape (..., C, N).
        count: Number of quantiles.

    Returns:
        Ascending values, shape (..., C, count): the input itself if N equals count.
    """
    if sorted_values.shape[-1] == count:
        return sorted_values
    stacked = sorted_values.reshape(-1, *sorted_values.shape[-2:])
    return F.interpolate(stacked, size=count, mode="linear", align_corners=True).view(*sorted_values.shape[:-1], count)


class Mixing(Protocol):
    """A function that moves maps toward the style of partner maps: `mixstyle` or `efdm`."""

    def __call__(self, features: Tensor, partner: Tensor, *, own_share: Tensor) -> Tensor:
        """Mix the style of each image with its partner's; the arguments are those of `mixstyle`."""


def mixstyle(features: Tensor, partner: Tensor, *, own_share: Tensor) -> Tensor:
    """Give each channel a mean and a standard deviation between its own and its partner's (MixStyle, Eq. 4-6).

    Args:
        features: Feature maps, shape (B, C, H, W).
        partner: The maps whose style is mixed in, of the same shape: the batch in another order.
        own_share: Share of its own style that each image keeps, in [0, 1], shape (B,): 1 leaves the
            maps unchanged, 0 gives them exactly the partner's statistics.

    Returns:
        Mixed maps, shape (B, C, H, W).
    """
    share = own_share.view(-1, 1, 1, 1)
    mean, deviation = channel_statistics(features)
    partner_mean, partner_deviation = channel_statistics(partner)
    mixed_mean = share * mean + (1 - share) * partner_mean
    mixed_deviation = share * deviation + (1 - share) * partner_deviation
    return (features - mean) / deviation * mixed_deviation + mixed_mean


def channel_statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the mean and standard deviation of each channel over its positions, shape (B, C, 1, 1) each."""
    variance = features.var(dim=(2, 3), keepdim=True, correction=0)
    return features.mean(dim=(2, 3), keepdim=True), (variance + SMALLEST_VARIANCE).sqrt()


def efdm(features: Tensor, partner: Tensor, *, own_share: Tensor) -> Tensor:
    """Move each channel's sorted values toward its partner's; every value keeps its rank (EFDMix, Eq. 10).

    Args:
        features: Feature maps, shape (B, C, H, W).
        partner: The maps whose distribution is mixed in, of the same shape.
        own_share: Share of its own distribution that each image keeps, in [0, 1], shape (B,): 1 leaves
            the maps unchanged, 0 gives them exactly the partner's values.

    Returns:
        Mixed maps, shape (B, C, H, W).
    """
    share = own_share.view(-1, 1, 1, 1)
    matched = match_distribution(features, sort_features(partner), style_weight=1.0)
    return share * features + (1 - share) * matched
