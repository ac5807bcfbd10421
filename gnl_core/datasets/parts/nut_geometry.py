"""A hexagonal nut seen from nearly above: a small ray caster over six planes and a bore.

Each pixel's line of sight meets the nut's upper plane at `face`, and from there sinks to the work surface, moving
sideways by `sight` px. The first thing it meets is what the pixel shows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gnl_core.datasets.parts.rendering import Field, pixel_grid, rotate

PERSPECTIVE = 0.4  # how far sight spreads on its way down the nut: the camera is two and a half nut heights away
FLATS = np.radians([0, 60, 120])  # the other three lie opposite


class Face(NamedTuple):
    """Where each pixel lies on the nut's upper face.

    Attributes:
        x: Right of the nut's axis, in px along its own direction; (GRID, GRID).
        y: Below it.
        radius: Distance from the axis in px.
        apothem_px: From the axis to a flat side.
        hole_px: Radius of the hole.
    """

    x: Field
    y: Field
    radius: Field
    apothem_px: float
    hole_px: float


class Nut(NamedTuple):
    """One nut as it lies there; lengths in px.

    Attributes:
        turn: Of the hexagon, in radians.
        apothem_px: From the axis to a flat side.
        hole_px: Radius of the bore.
        height_px: From the work surface to the upper face.
        face: Where sight meets the upper plane.
        sight: How far it then moves sideways, in x and y, until it meets the work surface.
    """

    turn: float
    apothem_px: float
    hole_px: float
    height_px: float
    face: Face
    sight: tuple[Field, Field]


def lay_down(generator: np.random.Generator) -> Nut:
    """Draw size, place, turn and the camera's small tilt. Directions are the nut's own: its first flat is right."""
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
    """Distance from the axis towards the nearest flat, so that a hexagon is where it is below the apothem."""
    half, high = np.float32(0.5), np.float32(0.75**0.5)
    return np.maximum(np.abs(x), np.maximum(np.abs(half * x + high * y), np.abs(half * x - high * y)))


def enter_hexagon(x: Field, y: Field, step_x: Field, step_y: Field, apothem_px: float) -> tuple[Field, Field]:
    """Where the lines (x, y) + share * step are within a hexagon: first and last share (none if first > last)."""
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
