"""Two rendered industrial parts, a woven cloth and a metal nut, good and defective, under five shifts.

A scene consists of the part, its pose and its defect; a domain, of lighting, background and camera. All domains have
the same test scenes, so that only the shift differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageFilter

from gnl_core.datasets.base import INDUSTRIAL_OPERATIONS, DatasetSpec, Image, Item, Mask
from gnl_core.datasets.parts import nut, nut_defects, weave, weave_defects
from gnl_core.datasets.parts.rendering import Conditions, Field, Light, photograph

GOOD = "good"
TRAIN_IMAGES = 120
GOOD_TEST_IMAGES = 40
IMAGES_PER_DEFECT = 12
FIRST_TEST_SEED = 10_000
SEEDS_PER_KIND = 1_000  # a separate range for good parts and each defect
KEPT_PHOTOGRAPHS = 1024  # 48 MiB: of one category, the training images and all domains
VISIBLE_LEVELS = 3  # of 255: smallest change of a pixel that is marked as defective

CONDITIONS = {
    "parts": Conditions(),
    "parts_lighting": Conditions(light=Light(azimuth_degrees=35, elevation_degrees=33)),
    "parts_bright": Conditions(exposure=3.0),
    "parts_background": Conditions(other_background=True),
    "parts_blur": Conditions(blur_px=1.3),
    "parts_noise": Conditions(noise=13.0),
}


class Category(NamedTuple):
    """One kind of part.

    Attributes:
        number: First part of its random seeds.
        render: Function from defect name, generators of scene and defect, and conditions to linear light of shape
            (3, GRID, GRID).
        defects: Names of its defects.
    """

    number: int
    render: Callable[[str, np.random.Generator, np.random.Generator, Conditions], Field]
    defects: tuple[str, ...]


CATEGORIES = {
    "weave": Category(1, weave.render, tuple(weave_defects.DEFECTS)),
    "nut": Category(2, nut.render, tuple(nut_defects.DEFECTS)),
}


def read_part(category: str, defect: str, seed: int, domain: str) -> Image:
    """Photograph one part; uint8, shape (128, 128, 3)."""
    return take_photograph(category, defect, seed, domain).copy()


@lru_cache(maxsize=KEPT_PHOTOGRAPHS)
def take_photograph(category: str, defect: str, seed: int, domain: str) -> Image:
    """Render and photograph one part, which takes longer than scoring it. Do not modify the result."""
    number, render, _ = CATEGORIES[category]
    scene, flaw, sensor = (np.random.default_rng([number, seed, stage]) for stage in range(3))
    return photograph(render(defect, scene, flaw, CONDITIONS[domain]), CONDITIONS[domain], sensor)


def read_mask(category: str, defect: str, seed: int) -> Mask:
    """Return the mask of pixels visibly changed by the defect in the in-distribution image; bool, shape (128, 128)."""
    flawed, flawless = (read_part(category, kind, seed, "parts").astype(np.int16) for kind in (defect, GOOD))
    changed = np.abs(flawed - flawless).max(axis=2) >= VISIBLE_LEVELS
    spots = PIL.Image.fromarray(changed).convert("L")
    closed = spots.filter(PIL.ImageFilter.MaxFilter(5)).filter(PIL.ImageFilter.MinFilter(5))  # no pinholes
    return np.asarray(closed) > 0


def scenes(category: str) -> list[tuple[str, int]]:
    """List the test scenes as pairs of defect, or "good", and seed."""
    counts = [(GOOD, GOOD_TEST_IMAGES)] + [(defect, IMAGES_PER_DEFECT) for defect in CATEGORIES[category].defects]
    return [
        (kind, FIRST_TEST_SEED + SEEDS_PER_KIND * position + index)
        for position, (kind, count) in enumerate(counts)
        for index in range(count)
    ]


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the training images: good parts with seeds that no test image has."""
    return [make_item(normal_class, GOOD, seed, "parts", split="train") for seed in range(TRAIN_IMAGES)]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the test images: good parts, then those of each defect, with the same scenes in every domain."""
    return [make_item(normal_class, kind, seed, domain, split="test") for kind, seed in scenes(normal_class)]


def make_item(category: str, kind: str, seed: int, domain: str, *, split: str) -> Item:
    """Create the item of one part in one domain; only defective parts have a mask."""
    return Item(
        path=f"{domain}/{category}/{split}/{kind}/{seed % SEEDS_PER_KIND:03d}",
        read=partial(read_part, category, kind, seed, domain),
        label=int(kind != GOOD),
        domain=domain,
        category=kind,
        mask=None if kind == GOOD else partial(read_mask, category, kind, seed),
    )


PARTS = DatasetSpec(
    summary="A woven cloth and a metal nut, good and with ten defects, under five shifts; rendered on the fly",
    classes=tuple(CATEGORIES),
    domains=tuple(CONDITIONS),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=INDUSTRIAL_OPERATIONS,
    licence="Apache-2.0",
    anomalies="defects",
)
