"""Where the cells of a stage map lie on the image, and maps enlarged accordingly.

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
    """Squares side by side that cover an image; what does not fit hangs over its edges.

    Attributes:
        side: Side of a cell in pixels.
        above: Pixel rows of the first row of cells that lie above the image.
        left: Pixel columns of the first column of cells that lie left of the image.
    """

    side: int
    above: int = 0
    left: int = 0

    def within(self, finer: CellGrid) -> CellGrid:
        """This grid in cells of a finer one instead of pixels."""
        return CellGrid(
            self.side // finer.side, (self.above - finer.above) // finer.side, (self.left - finer.left) // finer.side
        )

    def has(self, counts: tuple[int, int], *, size: tuple[int, int]) -> bool:
        """Whether so many cells are what an image of a size has, with or without an incomplete cell at the end."""
        sides = (size[0] + self.above, size[1] + self.left)
        return all(count in (px // self.side, -(-px // self.side)) for count, px in zip(counts, sides, strict=True))


def enlarge(maps: Tensor, *, size: tuple[int, int], grid: CellGrid | None) -> Tensor:
    """Bring maps to the image's size bilinearly, each value in the middle of its cell.

    Beyond the outermost middles the value stays. Where the cells tile the image, this is
    `F.interpolate(maps, size=size, mode="bilinear", align_corners=False)`.

    Args:
        maps: Shape (B, C, H, W).
        size: Height and width of the image in pixels.
        grid: Where the cells lie. If it is None, or such a grid has another number of cells, they cover the image
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
    """The image's window of what the cells cover; where they end before the image does, the last value stays."""
    height, width = size
    window = covered[..., above : above + height, left : left + width]
    below, right = height - window.shape[-2], width - window.shape[-1]
    return F.pad(window, (0, right, 0, below), mode="replicate") if below or right else window


def cells_under(counts: tuple[int, int], *, size: tuple[int, int], grid: CellGrid) -> list[NDArray[np.intp]]:
    """The row of cells under each row of pixels, and the column of cells under each column of pixels.

    Args:
        counts: Numbers of rows and columns of cells.
        size: Height and width of the image in pixels.
        grid: Where the cells lie; with other counts than it has, they cover the image evenly.

    Returns:
        Indices, shapes (H,) and (W,). A pixel behind the last cell belongs to it.
    """
    if not grid.has(counts, size=size):
        return [np.arange(px) * count // px for count, px in zip(counts, size, strict=True)]
    hidden = (grid.above, grid.left)
    return [
        np.minimum((np.arange(px) + outside) // grid.side, count - 1)
        for px, outside, count in zip(size, hidden, counts, strict=True)
    ]
