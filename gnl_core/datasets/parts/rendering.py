"""Shared parts of the renderers: noise, light on a height field, and a camera.

Lengths are in pixels of the final image; scenes are drawn on a grid twice as fine and averaged down. A scene's colour
is linear light of shape (3, H, W), about 0 to 1; heights and slopes have shape (H, W).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageFilter
from numpy.typing import NDArray

from gnl_core.datasets.base import Image

Field = NDArray[np.floating[Any]]  # float32 at run time: float64 takes twice as long
SIDE_PX = 128
SUPERSAMPLING = 2
GRID = SIDE_PX * SUPERSAMPLING
GAMMA = 2.2
NOTHING: Field = np.zeros((1, 1), dtype=np.float32)
Colour = tuple[float, float, float]


class Light(NamedTuple):
    """A distant lamp by azimuth (0 is right, 90 is below, since image rows count down) and elevation."""

    azimuth_degrees: float
    elevation_degrees: float

    def direction(self) -> tuple[float, float, float]:
        """Return the unit vector (x, y, z) towards the lamp; z points to the camera."""
        azimuth, elevation = np.radians([self.azimuth_degrees, self.elevation_degrees]).tolist()
        flat = float(np.cos(elevation))
        return flat * float(np.cos(azimuth)), flat * float(np.sin(azimuth)), float(np.sin(elevation))


class Conditions(NamedTuple):
    """The conditions of a domain: lamp and background in the scene, the rest in the camera.

    Attributes:
        light: The lamp.
        other_background: Whether the nut lies on another surface, or the cloth is woven from another yarn.
        exposure: Factor on the light that reaches the sensor.
        blur_px: Standard deviation of the defocus.
        noise: Standard deviation of the sensor noise at mid-grey, in grey levels.
    """

    light: Light = Light(azimuth_degrees=-128, elevation_degrees=48)
    other_background: bool = False
    exposure: float = 1.0
    blur_px: float = 0.0
    noise: float = 1.2


@cache
def pixel_grid() -> tuple[Field, Field]:
    """Return coordinates x, y of the fine grid in px from the image's centre, each of shape (GRID, GRID)."""
    steps = ((np.arange(GRID) + 0.5) / SUPERSAMPLING - SIDE_PX / 2).astype(np.float32)
    x, y = np.meshgrid(steps, steps)
    return x, y


def smooth_noise(generator: np.random.Generator, rows: int, columns: int) -> Field:
    """Generate interpolated random values of a coarse grid; shape (GRID, GRID), mean about 0, deviation below 1."""
    return enlarge(generator.standard_normal((rows, columns), dtype=np.float32))


def enlarge(coarse: Field) -> Field:
    """Interpolate to shape (GRID, GRID)."""
    return np.asarray(PIL.Image.fromarray(coarse).resize((GRID, GRID), PIL.Image.Resampling.BICUBIC))


def fractal_noise(generator: np.random.Generator, cells: int, octaves: int) -> Field:
    """Generate noise in octaves of halving scale and strength, shape (GRID, GRID)."""
    total = smooth_noise(generator, cells, cells)
    for scale in (2**octave for octave in range(1, octaves)):
        total = total + smooth_noise(generator, cells * scale, cells * scale) / scale
    return total


def fine_noise(generator: np.random.Generator) -> Field:
    """Generate independent normal values of shape (GRID, GRID)."""
    return generator.standard_normal((GRID, GRID), dtype=np.float32)


def stretched_noise(generator: np.random.Generator, threads: int, cells: int) -> Field:
    """Generate noise that is smooth along each of `threads` rows and independent across rows; (threads, GRID)."""
    coarse = generator.standard_normal((threads, cells), dtype=np.float32)
    return np.asarray(PIL.Image.fromarray(coarse).resize((GRID, threads), PIL.Image.Resampling.BICUBIC))


def smoothstep(low: float, high: float, values: Field) -> Field:
    """Interpolate smoothly from 0 at `low` to 1 at `high`, constant beyond."""
    ramp = np.clip((values - low) / (high - low), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def bump(distance: Field) -> Field:
    """Return a smooth bump: 1 at distance 0, with zero slope at distance 1, and exactly 0 beyond."""
    return np.clip(1 - distance * distance, 0, None) ** 2


def rotate(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """Return coordinates in a frame rotated by an angle in radians."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * x + sine * y, cosine * y - sine * x


def normals(height: Field, *, steepest: float = 3.0) -> Field:
    """Compute unit normals of shape (3, H, W) of a height field in px; slopes are limited to `steepest`."""
    slope_x, slope_y = np.zeros_like(height), np.zeros_like(height)
    slope_x[:, 1:-1] = height[:, 2:] - height[:, :-2]  # two steps of half a pixel: a slope in px per px
    slope_y[1:-1] = height[2:] - height[:-2]
    slope_x[:, 0], slope_x[:, -1], slope_y[0], slope_y[-1] = slope_x[:, 1], slope_x[:, -2], slope_y[1], slope_y[-2]
    np.clip(slope_x, -steepest, steepest, out=slope_x)
    np.clip(slope_y, -steepest, steepest, out=slope_y)
    up = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    return np.stack([-slope_x * up, -slope_y * up, up])


def dot(vectors: Field, direction: tuple[float, float, float]) -> Field:
    """Compute the dot product of vectors of shape (3, H, W) with one direction; shape (H, W)."""
    x, y, z = direction
    return vectors[0] * np.float32(x) + vectors[1] * np.float32(y) + vectors[2] * np.float32(z)


def lambert(surface: Field, light: Light) -> Field:
    """Compute diffuse (Lambertian) light on normals of shape (3, H, W), in [0, 1]."""
    return np.clip(dot(surface, light.direction()), 0, None)


def highlight(surface: Field, light: Light, *, shininess: float) -> Field:
    """Compute the Blinn-Phong highlight for a camera straight above, in [0, 1]."""
    return np.clip(dot(surface, half_way(light)), 0, None) ** np.float32(shininess)


def half_way(light: Light) -> tuple[float, float, float]:
    """Return the unit vector halfway between the lamp and a camera straight above."""
    x, y, z = light.direction()
    length = (x * x + y * y + (z + 1) ** 2) ** 0.5
    return x / length, y / length, (z + 1) / length


def cast_shadow(height: Field, light: Light) -> Field:
    """Compute the shadow that each pixel of a height field in px receives from its neighbourhood, in [0, 1]."""
    x, y, z = light.direction()
    flat = (x * x + y * y) ** 0.5
    above = np.zeros_like(height)
    for steps in (2, 3, 5, 7):  # fine pixels towards the lamp
        shift = (-round(steps * y / flat), -round(steps * x / flat))
        rise = np.float32(steps / SUPERSAMPLING * z / flat)
        np.maximum(above, np.roll(height, shift, axis=(0, 1)) - height - rise, out=above)
    return smoothstep(0, 0.8, above)


def mix(below: Field, above: Field, coverage: Field) -> Field:
    """Blend one colour over another by `coverage` in [0, 1]."""
    return below + (above - below) * coverage


def tinted(brightness: Field, tint: Colour) -> Field:
    """Colour a grey field of shape (H, W); shape (3, H, W)."""
    return np.stack([brightness * np.float32(channel) for channel in tint])


def average_down(scene: Field) -> Field:
    """Average each block of 2x2 fine pixels; shape (3, SIDE_PX, SIDE_PX)."""
    rows = scene[:, ::SUPERSAMPLING] + scene[:, 1::SUPERSAMPLING]
    return (rows[:, :, ::SUPERSAMPLING] + rows[:, :, 1::SUPERSAMPLING]) / SUPERSAMPLING**2


def photograph(scene: Field, conditions: Conditions, generator: np.random.Generator) -> Image:
    """Convert linear light of shape (3, GRID, GRID) to a photograph; uint8, shape (SIDE_PX, SIDE_PX, 3)."""
    light = average_down(scene) * conditions.exposure
    film = 1 - np.exp(-1.6 * np.clip(light, 0, None))  # highlights roll off, as on film
    levels = 255 * film.transpose(1, 2, 0) ** (1 / GAMMA)
    if conditions.blur_px:
        sharp = PIL.Image.fromarray(levels.round().astype(np.uint8))
        levels = np.asarray(sharp.filter(PIL.ImageFilter.GaussianBlur(conditions.blur_px)), dtype=np.float32)
    grain = generator.standard_normal(levels.shape, dtype=np.float32)
    grey_grain = generator.standard_normal((*levels.shape[:2], 1), dtype=np.float32)
    noisy = levels + conditions.noise * (0.5 * grain + 0.8 * grey_grain) * np.sqrt(0.4 + levels / 210)
    return np.clip(noisy.round(), 0, 255).astype(np.uint8)
