"""Compute an anomaly map from pairs of feature maps, and an image's score from its map (paper, Eq. 2-3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gnl_core.cells import CellGrid, enlarge
from gnl_core.messages import quote

REDUCTIONS = ("maximum", "mean", "top")
SMALLEST_NORM = 1e-8  # of a feature; avoids division by zero, as in PyTorch's cosine_similarity
BLUR_RADIUS_SIGMAS = 4  # as scipy truncates its Gaussian


def stage_map(teacher: Tensor, student: Tensor) -> Tensor:
    """Compute the cosine distance of the two features at each position (Eq. 2).

    Args:
        teacher: Stage map, shape (B, C, H, W).
        student: Its reconstruction, of the same shape.

    Returns:
        Distances in [0, 2], shape (B, 1, H, W); NaN where the norm of the student's feature overflows,
        as after a training that diverged. PyTorch's own result would be the distance at a right angle.
    """
    encoded, rebuilt = teacher.float(), student.float()
    products = (encoded * rebuilt).sum(dim=1, keepdim=True)
    encoded_norm, rebuilt_norm = (
        torch.linalg.vector_norm(features, dim=1, keepdim=True) for features in (encoded, rebuilt)
    )
    cosines = products / (encoded_norm.clamp_min(SMALLEST_NORM) * rebuilt_norm.clamp_min(SMALLEST_NORM))
    return (1 - cosines).clamp_min(0) + 0 * rebuilt_norm  # NaN for an infinite norm


def enlarge_stage_maps(
    maps: Sequence[Tensor],
    *,
    size: tuple[int, int],
    grids: Sequence[CellGrid | None],
    align_corners: bool = False,
) -> Tensor:
    """Resize stage maps bilinearly to the image's size.

    Args:
        maps: One distance per cell, shapes (B, 1, H_k, W_k), as from `stage_map`.
        size: Height and width of the image in pixels.
        grids: Where each stage's cells lie; None for evenly over the image.
        align_corners: Whether a map's corner values stand at the image's corners, wherever the cells lie, instead of
            each value in the middle of its cell.

    Returns:
        Distances in [0, 2], shape (number of stages, B, 1, *size).
    """
    if align_corners:
        return torch.stack([F.interpolate(m, size=size, mode="bilinear", align_corners=True) for m in maps])
    return torch.stack([enlarge(m, size=size, grid=grid) for m, grid in zip(maps, grids, strict=True)])


def anomaly_map(
    teacher: Sequence[Tensor],
    student: Sequence[Tensor],
    *,
    size: tuple[int, int],
    grids: Sequence[CellGrid | None],
    align_corners: bool = False,
) -> Tensor:
    """Sum the enlarged stage maps (Eq. 3).

    Args:
        teacher: Stage maps, shapes (B, C_k, H_k, W_k).
        student: Their reconstructions, of the same shapes.
        size: As for `enlarge_stage_maps`.
        grids: As for `enlarge_stage_maps`.
        align_corners: As for `enlarge_stage_maps`.

    Returns:
        Anomaly map in [0, 2 * number of stages], shape (B, 1, *size).
    """
    maps = [stage_map(e, d) for e, d in zip(teacher, student, strict=True)]
    return enlarge_stage_maps(maps, size=size, grids=grids, align_corners=align_corners).sum(0)


def smooth(anomaly_map: Tensor, *, sigma_px: float) -> Tensor:
    """Smooth a map by a Gaussian; 0 leaves it unchanged, as in the paper (its published code: 4 px at 256 px).

    Args:
        anomaly_map: Shape (B, 1, H, W).
        sigma_px: Standard deviation in pixels.

    Returns:
        Smoothed map of the same shape; the map is mirrored at its borders, as by scipy's Gaussian.
    """
    if sigma_px == 0:
        return anomaly_map
    largest_radius = min(anomaly_map.shape[-2:])  # mirroring provides no more pixels
    radius = min(max(1, round(BLUR_RADIUS_SIGMAS * sigma_px)), largest_radius)
    kernel = gaussian_kernel(radius, sigma_px=sigma_px).to(anomaly_map)
    extended = extend_mirrored(anomaly_map, radius)
    return F.conv2d(F.conv2d(extended, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))


def gaussian_kernel(radius: int, *, sigma_px: float) -> Tensor:
    """Compute a Gaussian at the pixels from -radius to radius, with sum 1, shape (2 * radius + 1,)."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    return torch.softmax(-0.5 * (offsets / sigma_px).square(), dim=0)


def extend_mirrored(maps: Tensor, pixels: int) -> Tensor:
    """Extend maps (B, C, H, W) beyond each border by mirrored pixels, the border pixel included: b a | a b c."""
    for dim in (-2, -1):
        before, after = maps.narrow(dim, 0, pixels), maps.narrow(dim, -pixels, pixels)
        maps = torch.cat([before.flip(dim), maps, after.flip(dim)], dim=dim)
    return maps


def image_score(
    anomaly_map: Tensor, *, reduction: str = "maximum", top_percent: float = 10.0, counted: Tensor | None = None
) -> Tensor:
    """Reduce each map to one score.

    Args:
        anomaly_map: Shape (B, 1, H, W).
        reduction: "maximum" (paper, section 2.2), "mean", or "top": the mean of the highest values.
        top_percent: Share of the positions that "top" averages, in (0, 100]; at least one position counts.
        counted: True for the positions that count, shape (B or 1, 1, H, W), at least one per image; None: all.

    Returns:
        Scores, shape (B,).

    Raises:
        ValueError: If there is no such reduction.
    """
    if counted is not None:
        return counted_score(anomaly_map, counted, reduction=reduction, top_percent=top_percent)
    values = anomaly_map.flatten(1)
    match reduction:
        case "maximum":
            return values.amax(dim=1)
        case "mean":
            return anomaly_map.mean(dim=(1, 2, 3))
        case "top":
            count = max(1, round(values.shape[1] * top_percent / 100))
            return values.topk(count, dim=1).values.mean(dim=1)
    raise ValueError(f"unknown reduction {quote(reduction)}; choose one of: {', '.join(REDUCTIONS)}")


def counted_score(anomaly_map: Tensor, counted: Tensor, *, reduction: str, top_percent: float) -> Tensor:
    """Reduce the positions of each map that count; see `image_score`."""
    counted = counted.expand_as(anomaly_map).flatten(1)
    values = anomaly_map.flatten(1)
    n_counted = counted.sum(dim=1)
    match reduction:
        case "maximum":
            return values.masked_fill(~counted, -torch.inf).amax(dim=1)
        case "mean":
            return values.masked_fill(~counted, 0).sum(dim=1) / n_counted
        case "top":
            ordered = values.masked_fill(~counted, -torch.inf).sort(dim=1, descending=True, stable=True).values
            count = (n_counted * (top_percent / 100)).round().clamp_min(1)[:, None]
            chosen = torch.arange(values.shape[1], device=values.device) < count
            return ordered.masked_fill(~chosen, 0).sum(dim=1) / count[:, 0]
    raise ValueError(f"unknown reduction {quote(reduction)}; choose one of: {', '.join(REDUCTIONS)}")
