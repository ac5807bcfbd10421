"""Render a woven cloth under a lamp: a plain weave of twisted yarn."""

from __future__ import annotations

import numpy as np

from gnl_core.datasets.parts.rendering import (
    GRID,
    Colour,
    Conditions,
    Field,
    cast_shadow,
    fine_noise,
    highlight,
    lambert,
    mix,
    normals,
    pixel_grid,
    rotate,
    smooth_noise,
    smoothstep,
    stretched_noise,
    tinted,
)
from gnl_core.datasets.parts.weave_defects import DEFECTS, Cloth, Flaw

YARN: tuple[Colour, Colour, Colour] = ((0.40, 0.33, 0.235), (0.33, 0.275, 0.205), (0.02, 0.018, 0.017))  # linear RGB
OTHER_YARN: tuple[Colour, Colour, Colour] = ((0.10, 0.17, 0.30), (0.16, 0.24, 0.36), (0.24, 0.24, 0.23))
OIL = (0.56, 0.63, 0.76)  # fractions of red, green and blue that a full stain absorbs
MOST_THREADS = 64  # more than fit along an image's diagonal
YARN_HEIGHT = 1.5  # px, from a thread's edge to its top
CRIMP = 1.1  # px, amplitude of a thread passing over and under others
BACKING = -2.6  # px, height of the table


def render(
    defect: str, scene_generator: np.random.Generator, defect_generator: np.random.Generator, conditions: Conditions
) -> Field:
    """Render the cloth in linear light, shape (3, GRID, GRID); `defect` is "good" or one of DEFECTS."""
    cloth = lay_out(scene_generator)
    flaw = DEFECTS[defect](defect_generator, cloth) if defect in DEFECTS else Flaw()
    across, along = cloth.warp + flaw.warp_shift, cloth.weft + flaw.weft_shift
    warp_height, warp_tone = spin(scene_generator, across, along, flaw.warp_loss)
    weft_height, weft_tone = spin(scene_generator, along, across + 1, flaw.weft_loss)
    cloth_height = np.maximum(np.maximum(warp_height, weft_height), BACKING)
    warp, weft, backing = OTHER_YARN if conditions.other_background else YARN
    yarn = np.where(warp_height >= weft_height, tinted(warp_tone, warp), tinted(weft_tone, weft))
    table = tinted(1 + 0.1 * fine_noise(scene_generator), backing)
    albedo = np.where(cloth_height > BACKING, yarn, table)
    return shade(albedo, cloth_height, flaw, conditions)


def lay_out(generator: np.random.Generator) -> Cloth:
    """Draw pitch, rotation, position and uneven stretching of the cloth."""
    x, y = pixel_grid()
    pitch_px = float(generator.uniform(7.6, 8.4))
    turned_x, turned_y = rotate(x, y, generator.normal(0, 0.025))
    start = generator.uniform(0, 2, 2) + MOST_THREADS // 2
    pull = [0.12 * smooth_noise(generator, 4, 4) for _ in range(2)]
    warp, weft = (
        turned / np.float32(pitch_px) + np.float32(first) + slack
        for turned, first, slack in zip((turned_x, turned_y), start, pull, strict=True)
    )
    return Cloth(warp, weft, pitch_px)


def spin(generator: np.random.Generator, across: Field, along: Field, loss: Field) -> tuple[Field, Field]:
    """Compute the yarn of one direction: height in px (-inf between threads) and tone around 1.

    Args:
        generator: Source of each thread's width, tone and sideways deviation.
        across: Position across the threads, in threads.
        along: Position along them, in threads of the other direction.
        loss: Fraction of the yarn that is missing, in [0, 1].
    """
    thread = np.floor(across)
    row = thread.astype(np.intp)
    column = np.clip(along * (GRID / MOST_THREADS), 0, GRID - 1).astype(np.intp)
    wander, width, tone, lint = (
        stretched_noise(generator, MOST_THREADS, length)[row, column] for length in (24, 32, 12, 128)
    )
    half_width = (0.445 + 0.04 * width) * np.sqrt(1 - np.clip(loss, 0, 1))
    side = (across - thread - 0.5 - 0.04 * wander) / np.maximum(half_width, 1e-3)
    back = np.sqrt(np.clip(1 - side * side, 0, None))
    strand = np.sin(np.float32(2 * np.pi) * (2.2 * along + 0.55 * side + tone))
    crimp = np.cos(np.float32(np.pi) * (along - 0.5 + thread))
    height = CRIMP * crimp + YARN_HEIGHT * back + 0.22 * strand * back
    there = (back > 0) & (half_width > 0.12)
    return np.where(there, height, -np.inf).astype(np.float32), 1 + 0.10 * tone + 0.07 * lint + 0.13 * strand


def shade(albedo: Field, cloth_height: Field, flaw: Flaw, conditions: Conditions) -> Field:
    """Light yarn, oil and fibre."""
    height = cloth_height + flaw.fibre
    surface = normals(height, steepest=1.6)
    open_sky = 0.12 + 0.88 * smoothstep(BACKING, YARN_HEIGHT + CRIMP, height)
    lit = 1 - 0.75 * cast_shadow(height, conditions.light)
    albedo = mix(albedo, tinted(np.ones_like(height), flaw.fibre_colour), np.clip(flaw.fibre * 4, 0, 1))
    albedo = albedo * (1 - tinted(flaw.stain, OIL))
    gloss = (0.04 + 0.25 * flaw.stain) * highlight(surface, conditions.light, shininess=24)
    brightness = open_sky * (0.20 + 1.35 * lambert(surface, conditions.light) * lit)
    return albedo * brightness + gloss * lit * open_sky
