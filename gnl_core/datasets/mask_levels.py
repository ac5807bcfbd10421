"""Find the anomalous pixels of a mask in black and white, with class indices, or with soft edges."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.datasets.base import Mask
from gnl_core.datasets.decoding import cut_into_strips

LARGEST_CLASS = 31  # a mask in shades of grey whose maximum is no brighter would look black
PALETTES = ("P", "PA")
SOFT_NOTE = (
    "some masks have more than two grey levels; pixels of at least half of a mask's maximum count as anomalous there"
)


def anomalous_pixels(picture: PIL.Image.Image) -> Mask:
    """Find the anomalous pixels of a decoded mask.

    A coloured pixel is as bright as its brightest channel; transparency darkens it. The colours of a palette stand for
    classes: if they are not all grey, every one but black is anomalous. All other masks: see `anomalous_levels`.

    Returns:
        Shape (H, W).
    """
    if len(picture.getbands()) == 1 and picture.mode != "P":
        levels, transparent = np.asarray(picture), picture.info.get("transparency")
        return anomalous_levels(np.where(levels == transparent, 0, levels) if isinstance(transparent, int) else levels)
    brightness, has_classes = np.empty((picture.height, picture.width)), False
    for rows, strip in cut_into_strips(picture):
        pixels = np.asarray(strip.convert("RGBA"))
        colours, opacity = pixels[..., :3], pixels[..., 3] / 255
        brightness[rows] = colours.max(axis=2) * opacity
        if picture.mode in PALETTES:
            has_classes |= bool(np.ptp(colours, axis=2)[opacity > 0].any())
    return brightness > 0 if has_classes else anomalous_levels(brightness)


def anomalous_levels(levels: NDArray[Any]) -> Mask:
    """Find the anomalous pixels of a mask by its grey levels.

    - Two levels: the brighter one. A single level: all pixels, or none if it is 0.
    - More levels, all whole numbers from 0 to 31: class indices, of which every one but 0 is anomalous.
    - Any others: soft edges, which JPEG and resizing leave. Pixels of at least half of the maximum are anomalous, and
      a warning says so.

    Args:
        levels: Numbers of any type, shape (H, W).

    Returns:
        Shape (H, W).
    """
    brightest = levels == levels.max()
    if (brightest | (levels == levels.min())).all():
        return brightest & (levels != 0)
    if levels.max() <= LARGEST_CLASS and (levels == np.rint(levels)).all():
        return levels != 0
    warnings.warn(SOFT_NOTE, stacklevel=1)  # always from this line, so that Python shows it once
    return levels >= levels.max() / 2
