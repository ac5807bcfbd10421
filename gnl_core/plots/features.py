"""Draw feature maps as pictures in which similar colours mean similar directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gnl_core.cells import CellGrid, cells_under

COLOURS = 3
OUTER_PERCENT = 2  # share of the fitted positions beyond either end of a colour's scale
FeatureMap = NDArray[np.float32]
Picture = NDArray[np.uint8]


def direction_colours(
    fitted: Sequence[FeatureMap], others: Sequence[FeatureMap]
) -> tuple[list[Picture], list[Picture]]:
    """Colour every position by the direction of its features, with the same rule for all maps.

    Features are scaled to length 1, since distances depend only on their cosine, and projected on the three
    directions in which those of the fitted maps vary most: red, green and blue.

    Args:
        fitted: Maps that determine directions and scale, shapes (C, H, W).
        others: Maps to colour by the same rule, with the same number of channels.

    Returns:
        RGB pictures of both, shapes (H, W, 3).
    """
    joined = np.concatenate([unit_rows(maps) for maps in fitted])
    centre = joined.mean(axis=0)
    _, _, directions = np.linalg.svd(joined - centre, full_matrices=False)
    axes = directions[:COLOURS].T
    low, high = np.percentile((joined - centre) @ axes, [OUTER_PERCENT, 100 - OUTER_PERCENT], axis=0)
    width = np.where(high > low, high - low, 1.0)  # maps without variation get a single colour

    def paint(maps: FeatureMap) -> Picture:
        shares = ((unit_rows(maps) - centre) @ axes - low) / width
        return (255 * np.clip(shares, 0, 1)).round().astype(np.uint8).reshape(*maps.shape[1:], -1)

    return [paint(maps) for maps in fitted], [paint(maps) for maps in others]


def unit_rows(maps: FeatureMap) -> NDArray[np.float64]:
    """Scale the features of each position to length 1; shape (H * W, C)."""
    rows = maps.reshape(len(maps), -1).T.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


def lay_out_cells(picture: Picture, *, size: tuple[int, int], grid: CellGrid) -> Picture:
    """Draw each cell of a picture as the square of the image that it describes.

    Args:
        picture: One colour per cell, shape (H, W, 3).
        size: Height and width of the image in pixels.
        grid: Where the cells lie on it.

    Returns:
        One colour per pixel, shape (*size, 3).
    """
    rows, columns = cells_under((picture.shape[0], picture.shape[1]), size=size, grid=grid)
    return picture[np.ix_(rows, columns)]
