"""Corruptions as a camera causes them, in five severities, at the image's native size.

Where ImageNet-C (Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions
and Perturbations", ICLR 2019) has a corruption, its formula and constants are used; the others are ours.
Lengths are in pixels of the native image: ImageNet-C's suit about 224 px and are stronger on smaller images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from numpy.random import Generator

from gnl_core.datasets.base import Image
from gnl_core.datasets.blur import Values, convolve, disk, trail
from gnl_core.messages import quote

SEVERITIES = (1, 2, 3, 4, 5)
WHITE = 255


class Corruption(NamedTuple):
    """One corruption.

    Attributes:
        apply: Image, level and generator to values on the same scale, not yet rounded or clipped.
        levels: The level for `apply` at severities 1 to 5.
    """

    apply: Callable[[Image, Any, Generator], Values]
    levels: tuple[Any, Any, Any, Any, Any]


def brightness(image: Image, added_value: float, _: Generator) -> Values:
    """Add a share of white to the value in hue, saturation, value (HSV). ImageNet-C.

    Hue and saturation stay, so one factor scales all three channels; black has neither and becomes grey.
    """
    value = image.max(axis=2, keepdims=True)
    brighter = np.minimum(value + added_value * WHITE, WHITE)
    return np.where(value > 0, image * (brighter / np.maximum(value, 1)), brighter)


def contrast(image: Image, factor: float, _: Generator) -> Values:
    """Move each channel toward its mean by multiplying the difference by a factor. ImageNet-C."""
    mean = image.mean(axis=(0, 1))
    return mean + factor * (image - mean)


def defocus_blur(image: Image, disk_px: tuple[int, float], _: Generator) -> Values:
    """Blur with a disk, given its radius and the standard deviation that softens its rim, in pixels. ImageNet-C."""
    return convolve(image, disk(*disk_px))


def gaussian_noise(image: Image, deviation: float, generator: Generator) -> Values:
    """Add normal noise to each value; the standard deviation is a share of white. ImageNet-C."""
    return image + generator.normal(scale=deviation * WHITE, size=image.shape)


def shot_noise(image: Image, photons: int, generator: Generator) -> Values:
    """Draw each value from a Poisson distribution; white has a mean of `photons`. ImageNet-C."""
    counts = generator.poisson(image * (photons / WHITE)).astype(float)
    return counts * (WHITE / photons)


def impulse_noise(image: Image, share: float, generator: Generator) -> Values:
    """Set a share of the values, independently per channel, to black or white with equal chance. ImageNet-C."""
    draw = generator.random(image.shape)
    return np.where(draw < share, np.where(draw < share / 2, 0, WHITE), image).astype(float)


def motion_blur(image: Image, trail_px: tuple[int, float], generator: Generator) -> Values:
    """Blur along a line within 45° of the horizontal; radius and standard deviation in pixels. ImageNet-C.

    The line has 2 radius + 1 taps, weighted by one half of a Gaussian. In ImageNet-C it begins at the pixel;
    here its centre of mass is at the pixel, so that the image stays aligned with its mask.
    """
    radius, deviation = trail_px
    angle = math.radians(generator.uniform(-45, 45))
    return convolve(image, trail(radius, deviation, angle=angle))


def pixelate(image: Image, scale: float, _: Generator) -> Values:
    """Shrink the sides to a share by averaging, and enlarge them by repeating pixels. ImageNet-C."""
    picture = PIL.Image.fromarray(image)
    width, height = (max(1, int(side * scale)) for side in picture.size)
    small = picture.resize((width, height), PIL.Image.Resampling.BOX)
    return np.asarray(small.resize(picture.size, PIL.Image.Resampling.NEAREST), dtype=float)


def jpeg(image: Image, quality: int, _: Generator) -> Values:
    """Compress as JPEG with libjpeg's quality, 1 to 95. ImageNet-C."""
    file = BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file), dtype=float)


def fog(image: Image, fog_layer: tuple[float, float], generator: Generator) -> Values:
    """Add clouds: thickness in units of white, and decay of finer clouds (see `clouds`). ImageNet-C.

    The sum is rescaled, so that the largest possible value is the image's own. ImageNet-C draws its
    clouds by the diamond-square method; ours are octaves of smooth noise that fade as quickly.
    """
    thickness, decay = fog_layer
    height, width, _ = image.shape
    layer = clouds(max(height, width), decay, generator=generator)[:height, :width, None]
    brightest = image.max() / WHITE
    return (image + thickness * WHITE * layer) * (brightest / (brightest + thickness))


def gamma(image: Image, exponent: float, _: Generator) -> Values:
    """Darken the middle tones, as underexposure does, by an exponent on values in [0, 1]. Ours."""
    return WHITE * (image / WHITE) ** exponent


def white_balance(image: Image, gain: float, _: Generator) -> Values:
    """Shift colours toward red, as a camera set for a bluer lamp does: red gains the share that blue loses. Ours."""
    return image * np.array([1 + gain, 1, 1 - gain])


def desaturation(image: Image, share: float, _: Generator) -> Values:
    """Mix with grey (ITU-R BT.601, as in Pillow), as stray light does; the level is the share of grey. Ours."""
    grey = np.asarray(PIL.Image.fromarray(image).convert("L"), dtype=float)[..., None]
    return (1 - share) * image + share * grey


def uneven_lighting(image: Image, depth: float, generator: Generator) -> Values:
    """Light the image from one side, in a direction drawn uniformly. Ours.

    The light is a ramp from 1 + depth in the corner nearest to the lamp to 1 - depth in the farthest.
    """
    angle = generator.uniform(0, 2 * math.pi)
    down, right = math.sin(angle), math.cos(angle)
    height, width, _ = image.shape
    ramp = down * np.linspace(-1, 1, height)[:, None] + right * np.linspace(-1, 1, width)
    return image * (1 + depth * ramp / (abs(down) + abs(right)))[..., None]


def clouds(side_px: int, decay: float, *, generator: Generator) -> Values:
    """Generate random heights in [0, 1]: octaves of smooth noise, each twice as fine and decay² times weaker.

    The square comes from ImageNet-C, which applies the amplitude, shrinking by `decay`, twice.
    """
    heights = np.zeros((side_px, side_px))
    for octave in range(1, math.ceil(math.log2(side_px)) + 1):
        cells = 2**octave
        corners = PIL.Image.fromarray(generator.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32))
        between = (0.5, 0.5, cells + 0.5, cells + 0.5)  # from the centre of the first value to that of the last
        layer = corners.resize((side_px, side_px), PIL.Image.Resampling.BICUBIC, box=between)
        heights += np.asarray(layer) / decay ** (2 * octave)
    return (heights - heights.min()) / (np.ptp(heights) or 1)  # a single pixel has no range


CORRUPTIONS: dict[str, Corruption] = {
    "brightness": Corruption(brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": Corruption(contrast, (0.4, 0.3, 0.2, 0.1, 0.05)),
    "defocus_blur": Corruption(defocus_blur, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))),
    "gaussian_noise": Corruption(gaussian_noise, (0.08, 0.12, 0.18, 0.26, 0.38)),
    "shot_noise": Corruption(shot_noise, (60, 25, 12, 5, 3)),
    "impulse_noise": Corruption(impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "motion_blur": Corruption(motion_blur, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))),
    "pixelate": Corruption(pixelate, (0.6, 0.5, 0.4, 0.3, 0.25)),
    "jpeg": Corruption(jpeg, (25, 18, 15, 10, 7)),
    "fog": Corruption(fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))),
    "gamma": Corruption(gamma, (1.25, 1.5, 2.0, 2.5, 3.0)),
    "white_balance": Corruption(white_balance, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "desaturation": Corruption(desaturation, (0.2, 0.4, 0.6, 0.8, 1.0)),
    "uneven_lighting": Corruption(uneven_lighting, (0.2, 0.35, 0.5, 0.65, 0.8)),
}


def corrupt(image: Image, name: str, *, severity: int, seed: int) -> Image:
    """Corrupt an image.

    Args:
        image: RGB, shape (H, W, 3), at native size.
        name: A name in CORRUPTIONS.
        severity: 1 (weak) to 5 (strong).
        seed: Determines all random draws: the same seed gives the same image.

    Returns:
        RGB of the same shape, rounded to the nearest value (ImageNet-C truncates: up to one lower).

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    check_shift(name, severity)
    corruption = CORRUPTIONS[name]
    values = corruption.apply(image, corruption.levels[severity - 1], np.random.default_rng(seed))
    return values.round().clip(0, WHITE).astype(np.uint8)


def parse_shift(text: str) -> tuple[str, int]:
    """Read a corruption and its severity, as in "defocus_blur:3".

    Raises:
        ValueError: If the text has another form, or there is no such corruption or severity.
    """
    name, _, severity = text.partition(":")
    if severity not in map(str, SEVERITIES):
        raise ValueError(f"expected a corruption and a severity 1-5, such as defocus_blur:3, but got {quote(text)}")
    check_shift(name, int(severity))
    return name, int(severity)


def check_shift(name: str, severity: int) -> None:
    """Check that a corruption and a severity exist."""
    if name not in CORRUPTIONS:
        raise ValueError(f"unknown corruption {quote(name)}; choose one of: {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        raise ValueError(
            f"unknown severity {quote(severity)} of {name}; choose one of: {', '.join(map(str, SEVERITIES))}"
        )
