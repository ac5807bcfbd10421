"""A line of rendered nuts in order of time, made to show the benefit and the risk of a threshold that follows.

First, the nuts are lit as in training. Then the lamp moves slowly, and stops. Finally, a worn tool scratches every nut,
a little deeper each time. Throughout, some nuts have a defect of their own. The schedule was chosen so that benefit and
risk can both be seen, and says nothing about how often they occur.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.parts import CATEGORIES, CONDITIONS, FIRST_TEST_SEED, GOOD, SEEDS_PER_KIND
from gnl_core.datasets.parts.nut import paint
from gnl_core.datasets.parts.nut_defects import make_flaw, put_together, weaken
from gnl_core.datasets.parts.nut_geometry import lay_down
from gnl_core.datasets.parts.rendering import Conditions, Light, photograph

CATEGORY = "nut"
DOMAIN = "line"
LENGTH = 300
FIRST_SEED = FIRST_TEST_SEED + 10 * SEEDS_PER_KIND  # beyond the seeds of all test parts
DEFECT_EVERY = 12  # nuts, the last of which has a defect of its own
LAMP_MOVES = (41, 120)  # numbers of the first and the last nut of a phase
TOOL_WEARS = (171, LENGTH)
LAMP_SHARE = 0.12  # of the way to the lamp of parts_lighting, where it stops: a turn of 20 degrees
WORN = "scratch"  # the damage that grows, at the same place of every nut


class Shot(NamedTuple):
    """One photograph of the line, and the truth about it.

    Attributes:
        number: Its place in the order of time, from 1.
        defect: Name of the defect that this nut alone has, or "good".
        lamp: How far the lamp has moved, as a share of the way to that of `parts_lighting`, in [0, 1].
        wear: Strength of the growing damage, in [0, 1]; the nut is undamaged at 0.
    """

    number: int
    defect: str
    lamp: float
    wear: float

    @property
    def label(self) -> int:
        """1 if the nut has a defect or any damage, else 0."""
        return int(self.defect != GOOD or self.wear > 0)

    @property
    def name(self) -> str:
        """A file name that sorts by time and states the truth, such as 018-dent.png or 200-worn-56-percent.png."""
        words = [self.defect] if self.defect != GOOD or not self.wear else []
        words += [f"worn-{100 * self.wear:.0f}-percent"] if self.wear else []
        return "-".join([f"{self.number:03d}", *words]) + ".png"


def list_shots() -> list[Shot]:
    """List the photographs in order of time."""
    defects = CATEGORIES[CATEGORY].defects
    return [
        Shot(
            number,
            GOOD if number % DEFECT_EVERY else defects[number // DEFECT_EVERY % len(defects)],
            lamp=LAMP_SHARE * progress(number, LAMP_MOVES),
            wear=progress(number, TOOL_WEARS),
        )
        for number in range(1, LENGTH + 1)
    ]


def progress(number: int, phase: tuple[int, int]) -> float:
    """Return how far a phase has come at a nut: 0 before its first nut, 1 from its last one on, linear between."""
    first, last = phase
    return min(max((number - first + 1) / (last - first + 1), 0.0), 1.0)


@lru_cache(maxsize=LENGTH)
def take(shot: Shot) -> Image:
    """Render and photograph one nut; uint8, shape (128, 128, 3). Do not modify the result."""
    category = CATEGORIES[CATEGORY].number
    scene, own, sensor = (np.random.default_rng([category, FIRST_SEED + shot.number, stage]) for stage in range(3))
    tool = np.random.default_rng([category, FIRST_SEED])  # leaves the same marks on every nut
    nut = lay_down(scene)
    damage = weaken(make_flaw(WORN, tool, nut.face), shot.wear)
    conditions = Conditions(light=move_lamp(shot.lamp))
    flaw = put_together(make_flaw(shot.defect, own, nut.face), damage)
    return photograph(paint(scene, nut, flaw, conditions), conditions, sensor)


def move_lamp(share: float) -> Light:
    """Return the lamp after a share of the way from that of `parts` to that of `parts_lighting`, in [0, 1]."""
    start, end = (CONDITIONS[domain].light for domain in ("parts", "parts_lighting"))
    return Light(*(before + share * (after - before) for before, after in zip(start, end, strict=True)))


def line_items() -> list[Item]:
    """List the photographs as images to score, in order of time."""
    return [
        Item(path=shot.name, read=partial(read_shot, shot), label=shot.label, domain=DOMAIN, category=shot.defect)
        for shot in list_shots()
    ]


def read_shot(shot: Shot) -> Image:
    """Photograph one nut; uint8, shape (128, 128, 3)."""
    return take(shot).copy()
