"""Pixel metrics: how well anomaly maps find the marked pixels of masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gnl_core.finite import count_not_finite
from gnl_core.metrics.ranking import area_under_roc, average_precision, rank, weighted_area
from gnl_core.records import PixelReport, PixelScores

AUPRO_LIMIT = 0.3
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.int64)


def compare_with_masks(
    anomaly_maps: NDArray[np.float32],
    masks: NDArray[np.bool_],
    labels: NDArray[np.int64],
    *,
    counted: NDArray[np.bool_] | None = None,
) -> PixelScores:
    """Divide the pixels of images into normal and anomalous ones by their masks.

    An image that is not labelled normal and has no marked pixel is left out: its anomaly is not drawn, vanished when
    the mask was resized, or lies where nothing counts, and its pixels must not count as normal.

    Args:
        anomaly_maps: Shape (B, H, W).
        masks: Marked pixels, of the same shape.
        labels: 0 for normal, 1 for anomalous, -1 for unknown, shape (B,).
        counted: Pixels that count, of the maps' shape; None: all. Others are left out, and are in no region.
    """
    masks = masks if counted is None else masks & counted
    usable = (labels == 0) | masks.any(axis=(1, 2))
    anomaly_maps, masks = anomaly_maps[usable], masks[usable]
    unmarked = ~masks if counted is None else ~masks & counted[usable]
    normal, anomalous = anomaly_maps[unmarked], anomaly_maps[masks]
    return PixelScores(
        normal=normal,
        anomalous=anomalous,
        region_size=np.concatenate([np.empty(0, dtype=np.int64), *map(region_sizes, masks)]),
        n_without_mask=int((~usable).sum()),
        n_not_finite=count_not_finite(normal) + count_not_finite(anomalous),
    )


def region_sizes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the region size in pixels of each marked pixel, row by row; pixels touch at sides and corners.

    Args:
        mask: Shape (H, W).

    Returns:
        Shape (number of marked pixels,).
    """
    from scipy import ndimage  # noqa: PLC0415 (slow; only masks need it)

    regions, _ = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    sizes: NDArray[np.int64] = np.bincount(regions.ravel())[regions[mask]]
    return sizes


def report_pixels(parts: Sequence[PixelScores]) -> PixelReport:
    """Compute the pixel metrics of one domain.

    AUPRO (Bergmann et al., "Uninformed Students", CVPR 2020) is the area under the per-region overlap, the mean share
    of each region that is detected, over the false positive rate of the normal pixels, up to 30 % and divided by it.
    Each pixel adds 1 / size to its region's share, so this is the weighted area under an ROC curve, computed exactly.

    Args:
        parts: The domain's pixels in any number of parts.

    Returns:
        Metrics in [0, 1], or None if there are no marked or no normal pixels, or if a pixel is not finite.
    """
    counted = PixelReport(
        n_without_mask=sum(part.n_without_mask for part in parts),
        n_pixels_not_finite=sum(part.n_not_finite for part in parts),
    )
    if not parts:
        return counted
    normal, anomalous, size = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("normal", "anomalous", "region_size")
    )
    ranks = rank(normal, anomalous)
    if ranks is None:
        return counted
    weights = 1 / size
    return counted._replace(
        pixel_auroc=area_under_roc(ranks),
        pixel_average_precision=average_precision(ranks),
        aupro=weighted_area(ranks, weights / weights.sum(), limit=AUPRO_LIMIT),
    )
