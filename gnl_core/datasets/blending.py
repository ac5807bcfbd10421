"""Blend digits as in MNIST-M (Ganin et al., 2016): the absolute difference of a digit and a crop of a photograph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gnl_core.datasets.base import Image
from gnl_core.datasets.images import read_image

WHITE = 255


def blend_digit(digit: Image, photograph: Image, *, generator: Generator) -> Image:
    """Compute the difference of a digit and a random crop, |crop - digit| in each channel.

    Args:
        digit: RGB, shape (H, W, 3).
        photograph: RGB, at least as large in both directions.
        generator: Draws the crop's top, then its left.

    Returns:
        uint8, the digit's shape.
    """
    height, width = digit.shape[:2]
    top = generator.integers(photograph.shape[0] - height + 1)
    left = generator.integers(photograph.shape[1] - width + 1)
    crop = photograph[top : top + height, left : left + width]
    return np.abs(crop.astype(np.int16) - digit).astype(np.uint8)


def blend_digits(digits: NDArray[np.uint8], photographs: Sequence[Path], *, seed: int) -> NDArray[np.uint8]:
    """Blend every digit with a photograph that seed and index determine; only one photograph is in memory at a time.

    All pixels of a digit that are not black become white, as in the images that MNIST-M's authors distribute: their
    mean is the same (146, against 108 outside the digits: 255 - 108) at every grey level of the digit from 1 up.

    Args:
        digits: Grey, white on black, shape (n, H, W).
        photographs: Image files.
        seed: Determines, with the index of a digit, its photograph and crop.

    Returns:
        uint8, shape (n, H, W, 3).

    Raises:
        ValueError: If a photograph cannot be read, or is smaller than a digit.
    """
    blended = np.empty((*digits.shape, 3), np.uint8)
    generators = [np.random.default_rng([seed, index]) for index in range(len(digits))]
    drawn = np.array([generator.integers(len(photographs)) for generator in generators], dtype=int)
    strokes = np.where(digits > 0, np.uint8(WHITE), np.uint8(0))
    for number, photograph in read_photographs(photographs, side_px=max(digits.shape[1:])):
        for index in np.flatnonzero(drawn == number):
            digit = np.repeat(strokes[index][..., None], 3, axis=2)
            blended[index] = blend_digit(digit, photograph, generator=generators[index])
    return blended


def read_photographs(paths: Sequence[Path], *, side_px: int) -> Iterator[tuple[int, Image]]:
    """Yield every photograph with its index; each must have sides of at least `side_px`."""
    for number, path in enumerate(paths):
        photograph = read_image(path)
        if min(photograph.shape[:2]) < side_px:
            height, width = photograph.shape[:2]
            raise ValueError(f"{path} has {width}x{height} pixels, expected {side_px}x{side_px} or more; leave it out")
        yield number, photograph
