"""Draw anomaly maps as pictures, on a colour scale that does not depend on the map."""

from __future__ import annotations

import numpy as np
import PIL.Image
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import ImageFilter

from gnl_core.finite import REMEDY, DivergedError, all_finite

COLOUR_MAP = "inferno"
LINE, EDGE = 255, 30  # grey values of a mask's outline
WHITE = (LINE, LINE, LINE)


def colour_map(anomaly_map: NDArray[np.float32], *, upper: float) -> NDArray[np.uint8]:
    """Colour an anomaly map.

    Args:
        anomaly_map: Shape (H, W).
        upper: The value of the brightest colour; 0 is the darkest.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        DivergedError: If a value is not finite; it would look like the lowest value.
    """
    if not all_finite(anomaly_map):
        raise DivergedError(f"this run diverged (an anomaly map contains values that are not finite); {REMEDY}")
    share = np.clip(anomaly_map / upper, 0, 1)
    colours: NDArray[np.float64] = colormaps[COLOUR_MAP](share)[..., :3]
    return (255 * colours).round().astype(np.uint8)


def outline(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], *, line: tuple[int, int, int] = WHITE
) -> NDArray[np.uint8]:
    """Draw the border of a mask: a line, white by default, with a dark edge, visible on any background.

    Args:
        picture: RGB, shape (H, W, 3).
        mask: The mask, shape (H, W).
        line: The colour of the line, RGB.

    Returns:
        RGB, shape (H, W, 3).
    """
    shape = PIL.Image.fromarray((mask * 255).astype(np.uint8))
    grown, shrunk = (
        np.asarray(shape.filter(change(3))) > 0 for change in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
    )
    outlined = picture.copy()
    outlined[grown & ~mask] = EDGE
    outlined[mask & ~shrunk] = line
    return outlined


def overlay(
    picture: NDArray[np.uint8], coloured: NDArray[np.uint8], *, opacity: float, revealed: float
) -> NDArray[np.uint8]:
    """Overlay a coloured map on the left part of a picture.

    Args:
        picture: RGB, shape (H, W, 3).
        coloured: RGB of the same shape.
        opacity: Opacity of the map, in [0, 1]: 0 shows the picture, 1 the map.
        revealed: Share of the width that the map covers, from the left, in [0, 1].

    Returns:
        RGB, shape (H, W, 3).
    """
    covered = round(revealed * picture.shape[1])
    blended = picture.astype(np.float32)
    blended[:, :covered] += opacity * (coloured[:, :covered] - blended[:, :covered])
    return blended.round().astype(np.uint8)


def ring(picture: NDArray[np.uint8], *, row: int, column: int, radius_px: int) -> NDArray[np.uint8]:
    """Draw a ring around a pixel: a white line between dark edges, visible on any background."""
    rows, columns = np.indices(picture.shape[:2])
    off_ring = np.abs(np.hypot(rows - row, columns - column) - radius_px)
    ringed = picture.copy()
    ringed[off_ring < 2.5] = EDGE
    ringed[off_ring < 1.2] = LINE
    return ringed


def colour_bar(*, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Draw the colours from 0 at the left to the upper end at the right; RGB, shape (height_px, width_px, 3)."""
    row = np.linspace(0, 1, width_px, dtype=np.float32)
    return colour_map(np.tile(row, (height_px, 1)), upper=1.0)
