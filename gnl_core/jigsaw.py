"""Jigsaw puzzles: choose orders of tiles that differ clearly, and rearrange the tiles of images."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, permutations

import numpy as np
import torch
from torch import Tensor

LARGEST_GRID = 3  # all orders are listed, which is quick for 9! and not feasible for 16!


@lru_cache(maxsize=8)
def distant_orders(grid: int, *, count: int) -> Tensor:
    """Choose orders of a grid's tiles that differ from each other in as many places as possible.

    Greedy, from the tiles in place: the next order is the one whose smallest Hamming distance to
    those chosen is largest; of these, the one with the largest sum of distances, then the first in
    lexicographic order. Nothing is random, so a repeated training solves the same puzzles.

    Args:
        grid: Tiles per side, 1 to 3.
        count: Number of orders besides the tiles in place.

    Returns:
        Shape (count + 1, grid * grid): row r lists the tile at each position; row 0 is 0, 1, 2, …

    Raises:
        ValueError: If the grid is too large to list its orders, or has fewer than `count`.
    """
    if not 1 <= grid <= LARGEST_GRID:
        raise ValueError(f"a puzzle has 1 to {LARGEST_GRID} tiles per side, got {grid}; choose a grid in this range")
    tiles = grid * grid
    orders = np.fromiter(chain.from_iterable(permutations(range(tiles))), dtype=np.uint8).reshape(-1, tiles)
    if not 1 <= count < len(orders):
        raise ValueError(
            f"a puzzle of {tiles} tiles has {len(orders) - 1} orders to choose from, got {count}; ask for fewer"
        )
    chosen, smallest, total = [0], np.full(len(orders), tiles), np.zeros(len(orders), dtype=np.int64)
    for _ in range(count):
        distance = (orders != orders[chosen[-1]]).sum(axis=1)  # 0 for the order itself, so it is not chosen again
        smallest, total = np.minimum(smallest, distance), total + distance
        chosen.append(int(np.argmax(smallest * (total.max() + 1) + total)))
    return torch.from_numpy(orders[chosen].astype(np.int64))


def shuffle_tiles(images: Tensor, orders: Tensor) -> Tensor:
    """Put an image's tiles into another order.

    If the grid does not divide the image's size, the remaining rows and columns at the lower and
    right edge stay in place.

    Args:
        images: Shape (B, C, H, W).
        orders: The tile for each position, counted row by row, shape (B, grid * grid).

    Returns:
        Shape (B, C, H, W); the order 0, 1, 2, … returns the images unchanged.

    Raises:
        ValueError: If an image is smaller than the grid.
    """
    batch, channels, height, width = images.shape
    grid = round(orders.shape[1] ** 0.5)
    tile_height, tile_width = height // grid, width // grid
    if min(tile_height, tile_width) == 0:
        raise ValueError(f"images of {height}x{width} px cannot be cut into {grid}x{grid} tiles; use larger images")
    area = images[:, :, : grid * tile_height, : grid * tile_width]
    tiles = area.reshape(batch, channels, grid, tile_height, grid, tile_width).permute(0, 2, 4, 1, 3, 5)
    rows = torch.arange(batch, device=images.device)[:, None]
    moved = tiles.reshape(batch, grid * grid, channels, tile_height, tile_width)[rows, orders.to(images.device)]
    shuffled = images.clone()
    shuffled[:, :, : grid * tile_height, : grid * tile_width] = (
        moved.view(batch, grid, grid, channels, tile_height, tile_width).permute(0, 3, 1, 4, 2, 5).reshape(area.shape)
    )
    return shuffled
