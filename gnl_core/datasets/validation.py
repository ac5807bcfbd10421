"""A validation task made from normal images alone: shifts that are computed, anomalies that are synthesised.

No test image and no label of an anomaly is looked at. The shifts are not those that any data set here is
tested under: neither the paper's four corruptions nor blends with photographs are among them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.random import Generator

from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.corruptions import WHITE, clouds, corrupt

Change = Callable[[Image, Generator], Image]
SEVERITY = 3
CLOUD_DECAY = 1.7  # between the fog's finest and coarsest
PATCH_AREA = (0.02, 0.15)  # share of the image (CutPaste, section 2.2)
PATCH_ASPECT = (0.3, 3.3)


def blend(image: Image, generator: Generator) -> Image:
    """The absolute difference of the image and clouds of random colours, as MNIST-M blends with photographs."""
    height, width, _ = image.shape
    side_px = max(height, width)
    layers = [clouds(side_px, CLOUD_DECAY, generator=generator)[:height, :width] for _ in range(3)]
    return np.abs(np.dstack(layers) * WHITE - image).round().astype(np.uint8)


def corrupted(image: Image, generator: Generator, *, name: str) -> Image:
    """The image under one corruption."""
    return corrupt(image, name, severity=SEVERITY, seed=int(generator.integers(2**31)))


def unchanged(image: Image, _: Generator) -> Image:
    """The image itself."""
    return image


SHIFTS: dict[str, Change] = {
    "unchanged": unchanged,
    "blend": blend,
    **{
        name: partial(corrupted, name=name)
        for name in ("shot_noise", "motion_blur", "fog", "gamma", "white_balance", "uneven_lighting")
    },
}


def cut_paste(image: Image, generator: Generator) -> Image:
    """Copy a random rectangle of the image to another place (CutPaste; Li et al., CVPR 2021)."""
    height, width, _ = image.shape
    area, aspect = generator.uniform(*PATCH_AREA) * height * width, math.exp(generator.uniform(*np.log(PATCH_ASPECT)))
    rows = min(height - 1, max(1, round(math.sqrt(area / aspect))))
    columns = min(width - 1, max(1, round(math.sqrt(area * aspect))))
    top, bottom = generator.choice(height - rows + 1, size=2, replace=False)
    left, right = generator.choice(width - columns + 1, size=2, replace=False)
    pasted = image.copy()
    pasted[bottom : bottom + rows, right : right + columns] = image[top : top + rows, left : left + columns]
    return pasted


def swap_quarters(image: Image, generator: Generator) -> Image:
    """Put the four quarters of the image into another order: a thing whose parts are in the wrong places."""
    height, width = (side // 2 for side in image.shape[:2])
    corners = [(top, left) for top in (0, height) for left in (0, width)]
    shift = int(generator.integers(1, len(corners)))
    swapped = image.copy()
    for (top, left), (source_top, source_left) in zip(corners, corners[shift:] + corners[:shift], strict=True):
        swapped[top : top + height, left : left + width] = image[
            source_top : source_top + height, source_left : source_left + width
        ]
    return swapped


ANOMALIES: tuple[Change, ...] = (cut_paste, swap_quarters)


def validation_items(items: Sequence[Item], *, shift: str, seed: int) -> list[Item]:
    """Each normal image under a shift, and again with a synthetic anomaly under the same shift.

    Args:
        items: Normal images that no detector has learnt from.
        shift: A name in SHIFTS.
        seed: Decides, with an image's path, all that is random.

    Returns:
        Twice as many items: label 0 for the shifted images, 1 for those with an anomaly.
    """
    return [
        item._replace(
            path=f"{item.path}#{label}",
            read=partial(read_changed, item, anomalous=bool(label), shift=shift, seed=seed),
            label=label,
            domain=f"validation_{shift}",
            mask=None,
        )
        for item in items
        for label in (0, 1)
    ]


def read_changed(item: Item, *, anomalous: bool, shift: str, seed: int) -> Image:
    """Read an image, give it an anomaly if asked to, and shift it; the shift is the same with and without anomaly."""
    image, path_seed = item.read(), zlib.crc32(item.path.encode())
    if anomalous:
        generator = np.random.default_rng([seed, path_seed, 1])
        image = ANOMALIES[int(generator.integers(len(ANOMALIES)))](image, generator)
    return SHIFTS[shift](image, np.random.default_rng([seed, path_seed, 0]))
