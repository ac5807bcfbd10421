"""scikit-learn's handwritten digits, and the same digits blended with its two sample photographs.

The 1,797 images are a part of the UCI set "Optical recognition of handwritten digits" (Alpaydin & Kaynak).
The blend is MNIST-M's (Ganin et al., 2016): the absolute difference of the digit and a random crop.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
import PIL.Image

from gnl_core.datasets.base import ALL_OPERATIONS, NOT_STATED, DatasetSpec, Image, Item
from gnl_core.datasets.blending import blend_digit

SIDE_PX = 28  # MNIST's
LARGEST_VALUE = 16  # the originals have 17 grey levels
TRAIN_SHARE = 0.6  # nearly all of the rest was written by other people
BLEND_SEED = 20161


@cache
def digit_arrays() -> tuple[np.ndarray, np.ndarray]:
    """Load all digits: values 0-16, shape (1797, 8, 8), and their classes, shape (1797,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (takes two seconds, which the app's first chart does not need)

    digits = load_digits()
    return digits.images, digits.target


@cache
def photographs() -> list[Image]:
    """Load scikit-learn's two sample photographs, each of shape (427, 640, 3)."""
    from sklearn.datasets import load_sample_images  # noqa: PLC0415 (as above)

    return load_sample_images().images


def read_digit(index: int) -> Image:
    """Read a digit, white on black, resized to 28x28 bilinearly; shape (28, 28, 3)."""
    values = digit_arrays()[0][index]
    grey = PIL.Image.fromarray((values * (255 / LARGEST_VALUE)).round().astype(np.uint8))
    enlarged = grey.resize((SIDE_PX, SIDE_PX), PIL.Image.Resampling.BILINEAR)
    return np.asarray(enlarged.convert("RGB"))


def read_blended_digit(index: int) -> Image:
    """Read the same digit, blended with a crop of a photograph that its index determines; shape (28, 28, 3)."""
    generator = np.random.default_rng([BLEND_SEED, index])
    photograph = photographs()[generator.integers(len(photographs()))]
    return blend_digit(read_digit(index), photograph, generator=generator)


READERS = {"digits": read_digit, "digits_m": read_blended_digit}


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the normal digit's images among the first 60 %."""
    return [item for item in list_items("digits", normal_class, test=False) if item.label == 0]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List all digits among the last 40 %."""
    return list_items(domain, normal_class, test=True)


def list_items(domain: str, normal_class: str, *, test: bool) -> list[Item]:
    """List one split of one domain, in the order of scikit-learn's file."""
    classes = digit_arrays()[1]
    first_test = round(TRAIN_SHARE * len(classes))
    split = range(first_test, len(classes)) if test else range(first_test)
    return [
        Item(
            path=f"{domain}/{index:04d}",
            read=partial(READERS[domain], index),
            label=int(str(classes[index]) != normal_class),
            domain=domain,
            category=str(classes[index]),
        )
        for index in split
    ]


DIGITS = DatasetSpec(
    summary="Handwritten digits of scikit-learn, and the same blended with photographs; bundled",
    classes=tuple("0123456789"),
    domains=("digits", "digits_m"),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=ALL_OPERATIONS,
    licence=NOT_STATED,
    page="archive.ics.uci.edu/dataset/80",
)
