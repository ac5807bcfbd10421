"""Compute an anomaly map from pairs of feature maps, and an image's score from its map (paper, Eq. 2-3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gnl_core.cells import CellGrid, enlarge
from gnl_core.messages import quote

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
    zero = 0 * torch.linalg.vector_norm(rebuilt, dim=1, keepdim=True)  # NaN for an infinite norm
    return (1 - F.cosine_similarity(encoded, rebuilt, dim=1)).clamp_min(0)[:, None] + zero


def enlarged_stage_maps(
    teacher: Sequence[Tensor],
    student: Sequence[Tensor],
    *,
    size: tuple[int, int],
    grids: Sequence[CellGrid | None],
    align_corners: bool = False,
) -> Tensor:
    """Compute the stage maps, resized bilinearly to the image's size.

    Args:
        teacher: Stage maps, shapes (B, C_k, H_k, W_k).
        student: Their reconstructions, of the same shapes.
        size: Height and width of the image in pixels.
        grids: Where each stage's cells lie; None for evenly over the image.
        align_corners: Whether a map's corner values stand at the image's corners, wherever the cells lie, instead of
            each value in the middle of its cell.

    Returns:
        Distances in [0, 2], shape (number of stages, B, 1, *size).
    """
    maps = [stage_map(e, d) for e, d in zip(teacher, student, strict=True)]
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
    """Sum the enlarged stage maps (Eq. 3); the arguments are those of `enlarged_stage_maps`.

    Returns:
        Anomaly map in [0, 2 * number of stages], shape (B, 1, *size).
    """
    maps = enlarged_stage_maps(teacher, student, size=size, grids=grids, align_corners=align_corners)
    return maps.sum(0)


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


def image_score(anomaly_map: Tensor, *, reduction: str = "maximum", top_percent: float = 10.0) -> Tensor:
    """Reduce each map to one score.

    Args:
        anomaly_map: Shape (B, 1, H, W).
        reduction: "maximum" (paper, section 2.2), "mean", or "top": the mean of the highest values.
        top_percent: Share of the positions that "top" averages, in (0, 100]; at least one position counts.

    Returns:
        Scores, shape (B,).

    Raises:
        ValueError: If there is no such reduction.
    """
    values = anomaly_map.flatten(1)
    match reduction:
        case "maximum":
            return values.amax(dim=1)
        case "mean":
            return anomaly_map.mean(dim=(1, 2, 3))
        case "top":
            count = max(1, round(values.shape[1] * top_percent / 100))
            return values.topk(count, dim=1).values.mean(dim=1)
    raise ValueError(f"unknown reduction {quote(reduction)}; choose one of: maximum, mean, top")
