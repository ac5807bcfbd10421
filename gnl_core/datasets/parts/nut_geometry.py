"""The geometry of a hexagonal nut seen from nearly above: a small ray caster over six planes and a bore.

Each pixel's line of sight meets the nut's upper plane at `face` and continues down to the work surface, moving
sideways by `sight` px. The pixel shows the first surface on this line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gnl_core.datasets.parts.rendering import Field, pixel_grid, rotate

PERSPECTIVE = 0.4  # spread of the lines of sight over the nut's height: the camera is 2.5 nut heights away
FLATS = np.radians([0, 60, 120])  # the other three are opposite


class Face(NamedTuple):
    """Position of each pixel on the nut's upper face.

    Attributes:
        x: Distance right of the axis in the nut's own frame, in px; shape (GRID, GRID).
        y: Distance below the axis, in px; same shape.
        radius: Distance from the axis, in px; same shape.
        apothem_px: Distance from the axis to a flat side.
        hole_px: Radius of the hole.
    """

    x: Field
    y: Field
    radius: Field
    apothem_px: float
    hole_px: float


class Nut(NamedTuple):
    """Shape and pose of one nut; lengths in px.

    Attributes:
        turn: Rotation of the hexagon, in radians.
        apothem_px: Distance from the axis to a flat side.
        hole_px: Radius of the bore.
        height_px: Height of the upper face above the work surface.
        face: Where the lines of sight meet the upper plane.
        sight: Sideways movement of the lines of sight, in x and y, from there to the work surface.
    """

    turn: float
    apothem_px: float
    hole_px: float
    height_px: float
    face: Face
    sight: tuple[Field, Field]


def lay_down(generator: np.random.Generator) -> Nut:
    """Draw size, position and rotation of a nut, and a small tilt of the camera.

    Directions are in the nut's own frame, with its first flat on the right.
    """
    x, y = pixel_grid()
    turn = float(generator.uniform(-0.16, 0.16))
    apothem_px = float(generator.uniform(39, 41))
    hole_px, height_px = 0.55 * apothem_px, 0.85 * apothem_px
    tilt_x, tilt_y = height_px * generator.uniform([-0.04, 0.10], [0.04, 0.17]).astype(np.float32)
    start_x, start_y = generator.uniform([-2, -4], [2, 0]).astype(np.float32)
    right, below = x - start_x, y - start_y
    own_x, own_y = rotate(right, below, turn)
    sight = rotate(PERSPECTIVE * right - tilt_x, PERSPECTIVE * below - tilt_y, turn)
    face = Face(own_x, own_y, np.hypot(own_x, own_y), apothem_px, hole_px)
    return Nut(turn, apothem_px, hole_px, height_px, face, sight)


def across_flats(x: Field, y: Field) -> Field:
    """Return the distance from the axis towards the nearest flat; a hexagon is where it is less than the apothem."""
    half, high = np.float32(0.5), np.float32(0.75**0.5)
    return np.maximum(np.abs(x), np.maximum(np.abs(half * x + high * y), np.abs(half * x - high * y)))


def enter_hexagon(x: Field, y: Field, step_x: Field, step_y: Field, apothem_px: float) -> tuple[Field, Field]:
    """Return the first and last t at which the lines (x, y) + t * step are in a hexagon; never if first > last."""
    first, last = np.full_like(x, -np.inf), np.full_like(x, np.inf)
    for angle in FLATS:
        across, out = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        here = across * x + out * y
        pace = across * step_x + out * step_y
        pace = np.where(np.abs(pace) < 1e-4, np.float32(1e-4), pace)
        middle, half = -here / pace, np.abs(np.float32(apothem_px) / pace)
        np.maximum(first, middle - half, out=first)
        np.minimum(last, middle + half, out=last)
    return first, last
