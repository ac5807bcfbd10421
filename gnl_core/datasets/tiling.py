"""Cut images into overlapping tiles, and stitch the tiles' anomaly maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gnl_core.records import Tiling


def plan_tiles(image_size: tuple[int, int], tile_size: tuple[int, int], *, overlap_percent: float) -> Tiling:
    """Lay out tiles over images of a size.

    Tiles follow each other at a constant distance; the last one of each row and column ends with the image, and
    overlaps the one before it by more.

    Args:
        image_size: Height and width of the images in pixels.
        tile_size: Height and width of the tiles, at most the images'.
        overlap_percent: Share of a tile's side that it has in common with the next tile, at least, in [0, 100).
    """
    tops, lefts = (
        starts_of(side, tile, stride=max(1, int(tile * (1 - overlap_percent / 100))))
        for side, tile in zip(image_size, tile_size, strict=True)
    )
    return Tiling(tile_size, tops, lefts)


def starts_of(side: int, tile: int, *, stride: int) -> tuple[int, ...]:
    """Return the first pixel of each tile along a side of an image."""
    return (*range(0, side - tile, stride), side - tile)


def places_of(tiling: Tiling) -> Iterator[tuple[slice, slice]]:
    """Yield the pixel rows and columns of each tile, row by row."""
    height, width = tiling.size
    for top in tiling.tops:
        for left in tiling.lefts:
            yield slice(top, top + height), slice(left, left + width)


def cut(image: Tensor, tiling: Tiling) -> Iterator[Tensor]:
    """Yield the tiles of an image (C, H, W) row by row, shape (tiles of the row, C, h, w): all at once are large."""
    height, width = tiling.size
    for top in tiling.tops:
        yield torch.stack([image[:, top : top + height, left : left + width] for left in tiling.lefts])


def stitch(tiles: Tensor, tiling: Tiling) -> Tensor:
    """Put the maps of an image's tiles together; where tiles overlap, a pixel is the mean of its values.

    Args:
        tiles: Shape (K, 1, h, w), in the order of `cut`.
        tiling: The tiles.

    Returns:
        Shape (1, 1, H, W).
    """
    height, width = tiling.size
    stitched = tiles.new_zeros(1, 1, tiling.tops[-1] + height, tiling.lefts[-1] + width)
    for tile, (rows, columns) in zip(tiles, places_of(tiling), strict=True):
        stitched[0, :, rows, columns] += tile
    down = count_tiles(tiling.tops, height).to(stitched)
    across = count_tiles(tiling.lefts, width).to(stitched)
    return stitched.div_(down[:, None]).div_(across)


def count_tiles(starts: tuple[int, ...], tile: int) -> Tensor:
    """Count the tiles that each pixel along a side lies in, shape (side,)."""
    counts = torch.zeros(starts[-1] + tile)
    for start in starts:
        counts[start : start + tile] += 1
    return counts
