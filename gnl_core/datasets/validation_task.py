"""Make a validation task from normal images only, with computed shifts and synthetic anomalies.

It uses no test image and no label of an anomaly. The shifts are not those that any data set here is
tested under: neither the paper's four corruptions nor blends with photographs are among them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.corruptions import WHITE, clouds, corrupt

Change = Callable[[Image, Generator], Image]
SEVERITY = 3
CLOUD_DECAY = 1.7  # between the fog's finest and coarsest
PATCH_AREA = (0.02, 0.15)  # share of the image (CutPaste, section 2.2)
PATCH_ASPECT = (0.3, 3.3)
STAIN_DECAY = 2.0  # smoother than the clouds: one stain rather than many
STAIN_AREA = 0.1  # share of the image


def blend(image: Image, generator: Generator) -> Image:
    """Compute the absolute difference of the image and clouds of random colours, as MNIST-M does with photographs."""
    return np.abs(coloured_clouds(image, generator) - image).round().astype(np.uint8)


def coloured_clouds(image: Image, generator: Generator) -> NDArray[np.float64]:
    """Generate clouds of random colours at the image's size, in [0, 255]."""
    height, width, _ = image.shape
    layers = [clouds(max(height, width), CLOUD_DECAY, generator=generator)[:height, :width] for _ in range(3)]
    return np.dstack(layers) * WHITE


def corrupted(image: Image, generator: Generator, *, name: str) -> Image:
    """Corrupt the image."""
    return corrupt(image, name, severity=SEVERITY, seed=int(generator.integers(2**31)))


def unchanged(image: Image, _: Generator) -> Image:
    """Return the image itself."""
    return image


SHIFTS: dict[str, Change] = {
    "unchanged": unchanged,
    "blend": blend,
    **{
        name: partial(corrupted, name=name)
        for name in ("shot_noise", "motion_blur", "fog", "gamma", "white_balance", "uneven_lighting")
    },
}


def turn_over(image: Image, _: Generator) -> Image:
    """Turn the image upside down, which puts all of its parts where no normal image has them.

    Geometric transformations stand for unknown classes (Golan & El-Yaniv, NeurIPS 2018).
    """
    return np.ascontiguousarray(image[::-1])


def add_texture(image: Image, generator: Generator) -> Image:
    """Blend a foreign texture at half strength into a tenth of the image, where clouds are densest.

    The idea is DRAEM's (Zavrtanik et al., 2021).
    """
    texture = coloured_clouds(image, generator)
    height, width, _ = image.shape
    clouds_here = clouds(max(height, width), STAIN_DECAY, generator=generator)[:height, :width]
    stain = clouds_here > np.quantile(clouds_here, 1 - STAIN_AREA)
    return np.where(stain[..., None], (image + texture) / 2, image).round().astype(np.uint8)


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


ANOMALIES: dict[str, tuple[Change, ...]] = {"objects": (turn_over, add_texture), "defects": (cut_paste, add_texture)}


def validation_items(items: Sequence[Item], *, anomalies: str, shift: str, seed: int) -> list[Item]:
    """List each normal image under a shift, without and with each synthetic anomaly.

    Args:
        items: Normal images that no detector was trained on.
        anomalies: Expected kind of anomaly, a name in ANOMALIES.
        shift: A name in SHIFTS.
        seed: Determines, with the path of an image, all random draws.

    Returns:
        Three times as many items: label 0 for the shifted images, 1 for those with an anomaly.
    """
    return [
        item._replace(
            path=f"{item.path}#{kind}",
            read=partial(read_changed, item, anomaly=anomaly, shift=shift, seed=seed),
            label=min(kind, 1),
            domain=f"validation_{shift}",
            mask=None,
        )
        for item in items
        for kind, anomaly in enumerate((unchanged, *ANOMALIES[anomalies]))
    ]


def read_changed(item: Item, *, anomaly: Change, shift: str, seed: int) -> Image:
    """Read an image, add an anomaly, and shift it; the shift does not depend on the anomaly."""
    path_seed = zlib.crc32(item.path.encode())
    image = anomaly(item.read(), np.random.default_rng([seed, path_seed, 1]))
    return SHIFTS[shift](image, np.random.default_rng([seed, path_seed, 0]))
