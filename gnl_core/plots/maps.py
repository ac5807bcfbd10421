"""Anomaly maps as pictures, on a colour scale that the map itself never moves."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

COLOUR_MAP = "inferno"


def colour_map(anomaly_map: NDArray[np.float32], *, upper: float) -> NDArray[np.uint8]:
    """Colour an anomaly map.

    Args:
        anomaly_map: Shape (H, W).
        upper: The value of the brightest colour; 0 is the darkest.

    Returns:
        RGB, shape (H, W, 3).
    """
    share = np.clip(anomaly_map / upper, 0, 1)
    colours: NDArray[np.float64] = colormaps[COLOUR_MAP](share)[..., :3]
    return (255 * colours).round().astype(np.uint8)


def colour_bar(*, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The colours from 0 at the left to the upper end at the right; RGB, shape (height_px, width_px, 3)."""
    row = np.linspace(0, 1, width_px, dtype=np.float32)
    return colour_map(np.tile(row, (height_px, 1)), upper=1.0)
