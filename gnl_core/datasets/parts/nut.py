"""Render a hexagonal steel nut on a work surface under a lamp, from the surface up to the turned face."""

from __future__ import annotations

import numpy as np

from gnl_core.datasets.parts.nut_defects import Flaw, make_flaw
from gnl_core.datasets.parts.nut_geometry import Face, Nut, across_flats, enter_hexagon, lay_down
from gnl_core.datasets.parts.rendering import (
    GRID,
    SUPERSAMPLING,
    Conditions,
    Field,
    Light,
    enlarge,
    fine_noise,
    fractal_noise,
    half_way,
    highlight,
    lambert,
    mix,
    normals,
    pixel_grid,
    smooth_noise,
    smoothstep,
    tinted,
)

STEEL = (0.92, 0.96, 1.0)
RUST = (0.22, 0.07, 0.018)
THREADS = 3.8  # turns in the bore
BROKEN_THROUGH_PX = 9.0  # a corner broken deeper than this is missing
LAMP_SPOTS = (
    (-8, 0),
    (8, 0),
    (0, -7),
    (0, 7),
    (0, 0),
    (-4, 4),
    (4, -4),
    (4, 4),
    (-4, -4),
)  # offsets from the lamp's centre in degrees


def render(
    defect: str, scene_generator: np.random.Generator, defect_generator: np.random.Generator, conditions: Conditions
) -> Field:
    """Render the nut in linear light, shape (3, GRID, GRID); `defect` is "good" or one of DEFECTS."""
    nut = lay_down(scene_generator)
    return paint(scene_generator, nut, make_flaw(defect, defect_generator, nut.face), conditions)


def paint(generator: np.random.Generator, nut: Nut, flaw: Flaw, conditions: Conditions) -> Field:
    """Paint a nut that `lay_down` drew from the same generator, with a flaw; linear light, shape (3, GRID, GRID)."""
    light = conditions.light._replace(azimuth_degrees=conditions.light.azimuth_degrees - float(np.degrees(nut.turn)))
    (ground_generator,) = generator.spawn(1)  # keeps the nut independent of the background
    scene = paint_ground(ground_generator, nut, light, other=conditions.other_background)
    paint_sides(scene, generator, nut, light)
    paint_bore(scene, nut, flaw, light)
    paint_face(scene, generator, nut, flaw, light)
    return scene


def paint_ground(generator: np.random.Generator, nut: Nut, light: Light, *, other: bool) -> Field:
    """Paint the work surface with the nut's soft shadow."""
    x, y = nut.face.x + nut.sight[0], nut.face.y + nut.sight[1]
    albedo = wood(generator) if other else plate(generator)
    dimmed = soft_shadow(x, y, nut, light)
    near = np.clip(across_flats(x, y) - nut.apothem_px, 0, None)
    inside = nut.face.radius < nut.hole_px
    open_sky = np.where(inside, np.float32(0.2), 1 - 0.5 * np.exp(-near / 5))
    return albedo * (open_sky * (0.30 + 0.95 * light.direction()[2] * (1 - dimmed)))


def plate(generator: np.random.Generator) -> Field:
    """Paint a grey-green plate with fine grain and faint wear, shape (3, GRID, GRID)."""
    grain = 1 + 0.05 * fine_noise(generator) + 0.05 * fractal_noise(generator, 3, 3)
    return tinted(grain, (0.115, 0.135, 0.13))


def wood(generator: np.random.Generator) -> Field:
    """Paint a wooden bench with rings stretched along the board, shape (3, GRID, GRID)."""
    _, y = pixel_grid()
    bend = smooth_noise(generator, 5, 2)
    rings = np.sin(0.55 * y + 4.0 * bend)
    pores = smooth_noise(generator, GRID, 12)
    return mix(
        tinted(1 + 0.10 * pores, (0.42, 0.25, 0.12)),
        tinted(1 + 0.12 * pores, (0.25, 0.125, 0.05)),
        smoothstep(-0.5, 1.3, rings),
    )


def soft_shadow(x: Field, y: Field, nut: Nut, light: Light) -> Field:
    """Return the fraction of a broad lamp that the nut hides from points of the work surface, in [0, 1]."""
    coarse_x, coarse_y = x[2::4, 2::4], y[2::4, 2::4]  # enough for a soft shadow
    hidden = np.zeros_like(coarse_x)
    for azimuth, elevation in LAMP_SPOTS:
        to_x, to_y, to_z = Light(light.azimuth_degrees + azimuth, light.elevation_degrees + elevation).direction()
        step_x, step_y = (np.full_like(coarse_x, nut.height_px * side / to_z) for side in (to_x, to_y))
        first, last = enter_hexagon(coarse_x, coarse_y, step_x, step_y, nut.apothem_px)
        hidden += np.maximum(first, 0) < np.minimum(last, 1)
    return enlarge(hidden / len(LAMP_SPOTS))


def paint_sides(scene: Field, generator: np.random.Generator, nut: Nut, light: Light) -> None:
    """Paint the flats that are visible because of the tilt."""
    flats = across_flats(nut.face.x, nut.face.y)
    around = (flats > nut.apothem_px * 0.9) & (flats < nut.apothem_px * 1.4)
    x, y, sight_x, sight_y = (field[around] for field in (nut.face.x, nut.face.y, *nut.sight))
    first, last = enter_hexagon(x, y, sight_x, sight_y, nut.apothem_px)
    seen = (first > 0) & (first < np.minimum(last, 1))
    depth = np.where(seen, first, 0)
    outward = np.arctan2(y + depth * sight_y, x + depth * sight_x)
    outward = np.round(outward * np.float32(3 / np.pi)) * np.float32(np.pi / 3)
    surface = np.stack([np.cos(outward), np.sin(outward), np.full_like(x, 0.12)])
    mill = 1 + 0.10 * smooth_noise(generator, 96, 24)[around]
    brightness = mill * (0.07 + 0.55 * lambert(surface, light)) * (1 - 0.5 * depth)
    scene[:, around] = np.where(seen, tinted(brightness, STEEL), scene[:, around])


def paint_bore(scene: Field, nut: Nut, flaw: Flaw, light: Light) -> None:
    """Paint the wall of the hole with its thread."""
    inside = nut.face.radius < nut.hole_px
    x, y, radius, sight_x, sight_y = (field[inside] for field in (nut.face.x, nut.face.y, nut.face.radius, *nut.sight))
    square = np.maximum(sight_x * sight_x + sight_y * sight_y, 1e-3)
    towards = x * sight_x + y * sight_y
    root = np.sqrt(towards * towards + square * (nut.hole_px**2 - radius * radius))
    depth = np.minimum((root - towards) / square, 1)
    x, y = (x + depth * sight_x) / nut.hole_px, (y + depth * sight_y) / nut.hole_px
    turns_per_px = THREADS * nut.hole_px / np.maximum(root, 1e-3)
    stripped = np.broadcast_to(flaw.stripped, inside.shape)[inside]
    thread = (1 - smoothstep(0.38, 0.7, turns_per_px)) * (1 - stripped)  # avoids aliasing of threads finer than a pixel
    phase = THREADS * depth + np.arctan2(y, x) / np.float32(2 * np.pi)
    phase -= np.floor(phase)
    crest = np.abs(2 * phase - 1)
    surface = np.stack([-x, -y, thread * np.where(phase < 0.5, np.float32(-0.8), np.float32(0.8)) + 0.15])
    surface /= np.sqrt((surface * surface).sum(axis=0))
    brightness = (0.10 + 0.85 * lambert(surface, light)) * (1 - 0.7 * thread * (1 - crest)) * (1 - 0.75 * depth)
    scene[:, inside] = np.where(depth < 1, tinted(brightness, STEEL), scene[:, inside])


def paint_face(scene: Field, generator: np.random.Generator, nut: Nut, flaw: Flaw, light: Light) -> None:
    """Paint the turned upper face with its chamfers and defects."""
    face = nut.face
    flats = across_flats(face.x, face.y)
    there = (flats < nut.apothem_px) & (face.radius > nut.hole_px) & (flaw.broken < BROKEN_THROUGH_PX)
    chamfer = np.clip(face.radius - 0.97 * nut.apothem_px, 0, None) * 0.55
    countersink = np.clip(1.14 * nut.hole_px - face.radius, 0, None) * 0.8
    bevel = np.clip(flats - nut.apothem_px + 1.3, 0, None) ** 2 * 0.4
    waves = 0.45 * smooth_noise(generator, 5, 5)
    surface = normals(waves - chamfer - countersink - bevel + flaw.height - flaw.broken, steepest=2.0)
    scuffs = fractal_noise(generator, 6, 3)
    diffuse = lambert(surface, light)
    grain = 0.08 * lathe_marks(generator, face)
    dull = (0.04 + 0.30 * diffuse * diffuse) * (1 + grain + 0.12 * scuffs)
    turned = dull + 0.55 * bright_fan(surface, face, light) * (1 + 1.75 * grain) + 0.5 * flaw.bare
    crystal = (0.10 + 0.42 * diffuse) * (1 + 0.22 * fine_noise(generator))
    metal = tinted(np.where(flaw.broken > 0.3, crystal, turned), STEEL)
    crust = tinted((0.25 + 1.2 * diffuse) * (1 + 0.25 * scuffs), RUST)
    np.copyto(scene, mix(metal, crust, flaw.rust), where=there)


def lathe_marks(generator: np.random.Generator, face: Face) -> Field:
    """Generate fine circles left on the face by turning; mean about 0, standard deviation about 1."""
    rings = smooth_noise(generator, GRID, 1)[:, :1] + 0.5 * generator.standard_normal((GRID, 32), dtype=np.float32)
    row = np.minimum(face.radius * SUPERSAMPLING, GRID - 1).astype(np.intp)
    column = ((face.y / np.maximum(face.radius, 1) + 1) * 15.9).astype(np.intp)
    return rings[row, column]


def bright_fan(surface: Field, face: Face, light: Light) -> Field:
    """Compute the highlight of turned metal, in [0, 1], bright where the grooves are across the lamp's direction."""
    half_x, half_y, _ = half_way(light)
    along_groove = (face.x * half_y - face.y * half_x) / np.maximum(face.radius, 1)
    return np.exp(-((along_groove / 0.15) ** 2)) * highlight(surface, light, shininess=8)
