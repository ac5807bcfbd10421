"""Positions of a stage map's cells on the image, and enlarging maps accordingly.

A stage map has one value per cell: a square of the image whose side is the product of the strides. docs/method.md has
the measurements that decide where the squares begin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


class CellGrid(NamedTuple):
    """A grid of squares that covers an image and may extend beyond its edges.

    Attributes:
        side: Side of a cell in pixels.
        above: Pixel rows of the first row of cells that lie above the image.
        left: Pixel columns of the first column of cells that lie left of the image.
    """

    side: int
    above: int = 0
    left: int = 0

    def within(self, finer: CellGrid) -> CellGrid:
        """Return this grid in units of a finer grid's cells instead of pixels."""
        return CellGrid(
            self.side // finer.side, (self.above - finer.above) // finer.side, (self.left - finer.left) // finer.side
        )

    def has(self, counts: tuple[int, int], *, size: tuple[int, int]) -> bool:
        """Return whether an image of a size has this number of cells, with or without an incomplete last cell."""
        sides = (size[0] + self.above, size[1] + self.left)
        return all(count in (px // self.side, -(-px // self.side)) for count, px in zip(counts, sides, strict=True))


def enlarge(maps: Tensor, *, size: tuple[int, int], grid: CellGrid | None) -> Tensor:
    """Enlarge maps to the image's size bilinearly, with each value at the centre of its cell.

    Beyond the outermost centres, values are constant. If the cells tile the image, this is
    `F.interpolate(maps, size=size, mode="bilinear", align_corners=False)`.

    Args:
        maps: Shape (B, C, H, W).
        size: Height and width of the image in pixels.
        grid: Positions of the cells. If it is None, or has another number of cells, the cells cover the image
            evenly.

    Returns:
        Maps of shape (B, C, *size).
    """
    rows, columns = maps.shape[-2:]
    if grid is None or not grid.has((rows, columns), size=size):
        return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    covered = F.interpolate(maps, size=(grid.side * rows, grid.side * columns), mode="bilinear", align_corners=False)
    return cut_out(covered, size=size, above=grid.above, left=grid.left)


def cut_out(covered: Tensor, *, size: tuple[int, int], above: int, left: int) -> Tensor:
    """Crop maps to the image; where the cells end before the image does, repeat the last value."""
    height, width = size
    window = covered[..., above : above + height, left : left + width]
    below, right = height - window.shape[-2], width - window.shape[-1]
    return F.pad(window, (0, right, 0, below), mode="replicate") if below or right else window


def cells_under(counts: tuple[int, int], *, size: tuple[int, int], grid: CellGrid) -> list[NDArray[np.intp]]:
    """Return the row of cells for each row of pixels, and the column of cells for each column of pixels.

    Args:
        counts: Numbers of rows and columns of cells.
        size: Height and width of the image in pixels.
        grid: Positions of the cells; if it has other counts, the cells cover the image evenly.

    Returns:
        Indices, shapes (H,) and (W,). A pixel beyond the last cell belongs to it.
    """
    if not grid.has(counts, size=size):
        return [np.arange(px) * count // px for count, px in zip(counts, size, strict=True)]
    hidden = (grid.above, grid.left)
    return [
        np.minimum((np.arange(px) + outside) // grid.side, count - 1)
        for px, outside, count in zip(size, hidden, counts, strict=True)
    ]
