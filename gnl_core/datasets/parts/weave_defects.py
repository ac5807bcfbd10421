"""Five defects of a woven cloth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gnl_core.datasets.parts.rendering import (
    GRID,
    NOTHING,
    SUPERSAMPLING,
    Colour,
    Field,
    bump,
    fractal_noise,
    pixel_grid,
    rotate,
    smooth_noise,
    smoothstep,
)


class Cloth(NamedTuple):
    """Position of each pixel on the undisturbed cloth.

    Attributes:
        warp: Position across the warp, in threads; the integer part is the thread's number; shape (GRID, GRID).
        weft: Position across the weft; same units and shape.
        pitch_px: Width of a thread with its gap, in px.
    """

    warp: Field
    weft: Field
    pitch_px: float


class Flaw(NamedTuple):
    """How a defect changes the cloth; the defaults change nothing.

    Attributes:
        warp_shift: Displacement of the warp, in threads.
        weft_shift: Displacement of the weft, in threads.
        warp_loss: Fraction of the warp that is missing, in [0, 1].
        weft_loss: Fraction of the weft that is missing, in [0, 1].
        stain: Coverage by oil, in [0, 1].
        fibre: Height of a fibre above the cloth, in px; 0 elsewhere.
        fibre_colour: Linear RGB of the fibre.
    """

    warp_shift: Field = NOTHING
    weft_shift: Field = NOTHING
    warp_loss: Field = NOTHING
    weft_loss: Field = NOTHING
    stain: Field = NOTHING
    fibre: Field = NOTHING
    fibre_colour: Colour = (0.0, 0.0, 0.0)


def broken_thread(generator: np.random.Generator, cloth: Cloth) -> Flaw:
    """Remove one thread over four to ten crossings, with thinning ends."""
    of_warp = generator.random() < 0.5
    across, along = (cloth.warp, cloth.weft) if of_warp else (cloth.weft, cloth.warp)
    threads = GRID / SUPERSAMPLING / cloth.pitch_px
    centre_across, centre_along = (threads * generator.uniform(-0.3, 0.3, 2)).astype(np.float32)
    half_length = generator.uniform(2.0, 5.0)
    chosen = np.floor(across) == np.floor(centre_across + across.mean())
    distance = np.abs(along - along.mean() - centre_along)
    loss = chosen * (1 - smoothstep(half_length - 0.5, half_length + 0.5, distance))
    return Flaw(warp_loss=loss) if of_warp else Flaw(weft_loss=loss)


def pulled_thread(generator: np.random.Generator, cloth: Cloth) -> Flaw:
    """Bend neighbouring threads of one direction to the side."""
    x, y = pixel_grid()
    of_warp = generator.random() < 0.5
    across, along = (x, y) if of_warp else (y, x)
    centre = generator.uniform(-34, 34, 2)
    breadth, length = generator.uniform(12, 20), generator.uniform(16, 34)
    distance = np.hypot((across - centre[0]) / breadth, (along - centre[1]) / length).astype(np.float32)
    hill = bump(distance)
    shift = np.float32(generator.choice([-1, 1]) * generator.uniform(1.1, 1.8)) * hill
    slack = np.float32(generator.uniform(0.35, 0.6)) * hill
    return Flaw(warp_shift=shift, warp_loss=slack) if of_warp else Flaw(weft_shift=shift, weft_loss=slack)


def blob(generator: np.random.Generator, *, radius_px: float, raggedness: float, softness: float) -> Field:
    """Return the coverage, in [0, 1], of a spot with an uneven rim, away from the image's edges."""
    x, y = pixel_grid()
    centre = generator.uniform(-36, 36, 2)
    turned_x, turned_y = rotate(x - np.float32(centre[0]), y - np.float32(centre[1]), generator.uniform(0, np.pi))
    distance = np.hypot(turned_x, turned_y * np.float32(generator.uniform(1.0, 1.6))) / np.float32(radius_px)
    rim = distance + np.float32(raggedness) * fractal_noise(generator, 8, 3)
    inside = 1 - smoothstep(1 - softness, 1, rim)
    return inside * (distance < 1.6)


def stain(generator: np.random.Generator, cloth: Cloth) -> Flaw:
    """Make an oil stain: dark, yellowish and glossy, with a soft, uneven rim."""
    strength = np.float32(generator.uniform(0.8, 1.2))
    return Flaw(stain=strength * blob(generator, radius_px=generator.uniform(11, 26), raggedness=0.22, softness=0.4))


def hole(generator: np.random.Generator, cloth: Cloth) -> Flaw:
    """Tear a hole in both directions, with each thread ending at a random point."""
    torn = blob(generator, radius_px=generator.uniform(9, 18), raggedness=0.14, softness=0.55)
    ends = smooth_noise(generator, 2, 96), smooth_noise(generator, 96, 2)
    warp_loss, weft_loss = (smoothstep(0.3, 0.6, torn * (1 + 0.35 * np.clip(end, -1, 1))) for end in ends)
    return Flaw(warp_loss=warp_loss, weft_loss=weft_loss)


FIBRE_COLOURS = ((0.02, 0.02, 0.025), (0.35, 0.03, 0.03), (0.75, 0.74, 0.70), (0.04, 0.09, 0.30))


def foreign_fibre(generator: np.random.Generator, cloth: Cloth) -> Flaw:
    """Lay a curled fibre of another colour on the cloth."""
    x, y = pixel_grid()
    centre = generator.uniform(-26, 26, 2)
    along, across = rotate(x - np.float32(centre[0]), y - np.float32(centre[1]), generator.uniform(0, np.pi))
    offset, slope = across, np.zeros_like(along)
    for slowest, widest in ((0.05, 8), (0.12, 2)):  # a wide bend and a small curl on it
        wave = np.float32(slowest * generator.uniform(1, 2))
        swing = np.float32(widest * generator.uniform(0.25, 1))
        angle = along * wave + np.float32(generator.uniform(0, 2 * np.pi))
        offset, slope = offset - swing * np.sin(angle), slope + swing * wave * np.cos(angle)
    half_width = np.float32(generator.uniform(0.6, 1.1))
    distance = np.abs(offset) / np.sqrt(1 + slope * slope) / half_width
    within = 1 - smoothstep(0.9, 1.0, np.abs(along) / np.float32(generator.uniform(14, 30)))
    body = np.sqrt(np.clip(1 - distance * distance, 0, 1)) * within
    return Flaw(fibre=body * half_width * 2, fibre_colour=FIBRE_COLOURS[generator.integers(len(FIBRE_COLOURS))])


DEFECTS: dict[str, Callable[[np.random.Generator, Cloth], Flaw]] = {
    "broken_thread": broken_thread,
    "pulled_thread": pulled_thread,
    "stain": stain,
    "hole": hole,
    "foreign_fibre": foreign_fibre,
}
