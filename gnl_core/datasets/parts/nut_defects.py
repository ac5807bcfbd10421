"""Five defects of a metal nut, at full strength or weaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gnl_core.datasets.parts.nut_geometry import Face
from gnl_core.datasets.parts.rendering import (
    NOTHING,
    Field,
    bump,
    fine_noise,
    fractal_noise,
    rotate,
    smoothstep,
)


class Flaw(NamedTuple):
    """How a defect changes the nut; the defaults change nothing.

    Attributes:
        height: Height added to the upper face, in px.
        bare: Coverage by fresh metal, in [0, 1].
        rust: Coverage by rust, in [0, 1].
        broken: Depth of broken-off material below the upper face, in px; 0 elsewhere.
        stripped: Fraction of the thread that is missing, in [0, 1].
    """

    height: Field = NOTHING
    bare: Field = NOTHING
    rust: Field = NOTHING
    broken: Field = NOTHING
    stripped: Field = NOTHING


def on_ring(generator: np.random.Generator, face: Face) -> tuple[Field, Field]:
    """Return coordinates with a random orientation and their origin at a random point between hole and side."""
    angle = generator.uniform(0, 2 * np.pi)
    radius = generator.uniform(0.45, 0.75) * face.apothem_px + 0.45 * face.hole_px
    x = face.x - np.float32(radius * np.cos(angle))
    y = face.y - np.float32(radius * np.sin(angle))
    return rotate(x, y, generator.uniform(0, np.pi))


def scratch(generator: np.random.Generator, face: Face) -> Flaw:
    """Make a scratch: a slightly bent groove with raised, bare edges."""
    along, across = on_ring(generator, face)
    half_length, half_width = generator.uniform(8, 22), np.float32(generator.uniform(0.5, 1.2))
    bent = across - np.float32(generator.uniform(-0.012, 0.012)) * along * along
    fade = 1 - smoothstep(0.55, 1.0, np.abs(along) / np.float32(half_length))
    groove = bump(bent / half_width / 1.6) * fade
    edges = bump((np.abs(bent) / half_width - 1.5) * 1.2) * fade
    strength = np.float32(generator.uniform(0.5, 1.2))
    return Flaw(height=strength * (0.5 * edges - 1.1 * groove), bare=strength * 0.6 * groove)


def dent(generator: np.random.Generator, face: Face) -> Flaw:
    """Make a dent: a hollow with a raised rim."""
    along, across = on_ring(generator, face)
    radius = generator.uniform(6, 13)
    distance = np.hypot(along, across * np.float32(generator.uniform(1, 1.9))) / np.float32(radius)
    distance = distance * (1 + 0.12 * fractal_noise(generator, 12, 2))
    depth = np.float32(generator.uniform(0.14, 0.34) * radius)
    return Flaw(height=depth * (0.15 * bump((distance - 0.9) / 0.4) - bump(distance)))


def rust(generator: np.random.Generator, face: Face) -> Flaw:
    """Make rust: a patchy brown crust."""
    along, across = on_ring(generator, face)
    radius = generator.uniform(5, 15)
    distance = np.hypot(along, across * np.float32(generator.uniform(1, 1.8))) / np.float32(radius)
    patches = distance + 0.3 * fractal_noise(generator, 16, 3)
    crust = (1 - smoothstep(0.65, 1.0, patches)) * (distance < 1.7)
    return Flaw(height=crust * 0.25 * fine_noise(generator), rust=np.float32(generator.uniform(0.55, 1)) * crust)


def chipped_corner(generator: np.random.Generator, face: Face) -> Flaw:
    """Break off one of the six corners along a rough, slanted plane."""
    corner = np.radians(30 + 60 * generator.integers(6) + generator.uniform(-9, 9))
    outward, sideways = rotate(face.x, face.y, float(corner))
    start = face.apothem_px * generator.uniform(0.80, 0.99)
    rough = 1.2 * fractal_noise(generator, 14, 4) - 0.012 * sideways * sideways
    behind = outward - np.float32(start) + rough
    return Flaw(
        broken=np.clip(behind, 0, None)
        * np.float32(generator.uniform(1.2, 2.5))
        * (np.abs(sideways) < face.apothem_px * 0.7)
    )


def missing_thread(generator: np.random.Generator, face: Face) -> Flaw:
    """Strip the thread from a visible part of the hole, or from all of it."""
    middle, half_sector = -np.pi / 2 + generator.normal(0, 0.8), generator.uniform(0.8, 3.6)
    away = np.arccos(np.clip(rotate(face.x, face.y, middle)[0] / np.maximum(face.radius, 1e-3), -1, 1))
    return Flaw(stripped=1 - smoothstep(half_sector - 0.15, half_sector, away))


DEFECTS: dict[str, Callable[[np.random.Generator, Face], Flaw]] = {
    "scratch": scratch,
    "dent": dent,
    "rust": rust,
    "chipped_corner": chipped_corner,
    "missing_thread": missing_thread,
}


def make_flaw(defect: str, generator: np.random.Generator, face: Face) -> Flaw:
    """Make a defect by its name in DEFECTS; any other name, such as "good", makes a flaw that changes nothing."""
    return DEFECTS[defect](generator, face) if defect in DEFECTS else Flaw()


def weaken(flaw: Flaw, strength: float) -> Flaw:
    """Weaken a flaw: at strength 0 it changes nothing, at 1 it is the whole flaw."""
    return Flaw(*(np.float32(strength) * field for field in flaw))


def put_together(first: Flaw, second: Flaw) -> Flaw:
    """Put two flaws on one nut: heights add up; of everything else, the stronger one counts."""
    stronger = Flaw(*map(np.maximum, first, second))
    return stronger._replace(height=first.height + second.height)
