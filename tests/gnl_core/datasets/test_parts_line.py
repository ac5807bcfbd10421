"""The example line: what is seen when, and that it is rendered like the data set, with other seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnl_core.datasets.ordering import natural_key
from gnl_core.datasets.parts import GOOD, PARTS, read_part, scenes
from gnl_core.datasets.parts.line import (
    FIRST_SEED,
    LAMP_MOVES,
    LAMP_SHARE,
    LENGTH,
    TOOL_WEARS,
    WORN,
    Shot,
    line_items,
    list_shots,
    take,
)
from gnl_core.datasets.parts.nut import paint
from gnl_core.datasets.parts.nut_defects import DEFECTS, Flaw, make_flaw, put_together, weaken
from gnl_core.datasets.parts.nut_geometry import lay_down
from gnl_core.datasets.parts.rendering import Conditions, photograph

SHOTS = list_shots()


def generators(number: int) -> list[np.random.Generator]:
    return [np.random.default_rng([2, FIRST_SEED + number, stage]) for stage in range(3)]


def flaw_of(defect: str) -> Flaw:
    return make_flaw(defect, np.random.default_rng(1), lay_down(np.random.default_rng(0)).face)


def equal(first: Flaw, second: Flaw) -> bool:
    return all((one == other).all() for one, other in zip(first, second, strict=True))


def test_the_numbers_and_the_names_are_in_order_of_time():
    assert [shot.number for shot in SHOTS] == list(range(1, LENGTH + 1))
    names = [shot.name for shot in SHOTS]
    assert names == sorted(names) == sorted(names, key=lambda name: natural_key(Path(name)))
    assert [item.path for item in line_items()] == names


def test_the_lamp_moves_and_stops_before_the_tool_wears():
    lamp, wear = (np.array([getattr(shot, name) for shot in SHOTS]) for name in ("lamp", "wear"))
    assert (np.diff(lamp) >= 0).all()
    assert (np.diff(wear) >= 0).all()
    assert LAMP_MOVES[1] < TOOL_WEARS[0]
    assert {lamp[number - 1] for number in (1, LAMP_MOVES[0] - 1)} == {0}
    assert lamp[LAMP_MOVES[0] - 1] > 0
    assert {lamp[number - 1] for number in (LAMP_MOVES[1], LENGTH)} == {LAMP_SHARE}
    assert {wear[number - 1] for number in (1, TOOL_WEARS[0] - 1)} == {0}
    assert wear[TOOL_WEARS[0] - 1] == pytest.approx(1 / (LENGTH - TOOL_WEARS[0] + 1))
    assert wear[-1] == 1


def test_one_nut_in_twelve_has_a_defect_of_its_own_and_each_defect_appears_equally_often():
    own = [shot.defect for shot in SHOTS if shot.defect != GOOD]
    assert len(own) == LENGTH // 12
    assert {defect: own.count(defect) for defect in DEFECTS} == dict.fromkeys(DEFECTS, len(own) // len(DEFECTS))


def test_a_name_states_the_truth():
    assert Shot(17, GOOD, 0.0, 0.0).name == "017-good.png"
    assert Shot(18, "dent", 0.1, 0.0).name == "018-dent.png"
    assert Shot(200, GOOD, 0.1, 0.56).name == "200-worn-56-percent.png"
    assert Shot(204, "rust", 0.1, 0.6).name == "204-rust-worn-60-percent.png"


def test_a_nut_is_normal_while_it_has_neither_a_defect_nor_damage():
    assert [Shot(1, *truth).label for truth in ((GOOD, 0.2, 0.0), ("dent", 0.0, 0.0), (GOOD, 0.0, 0.01))] == [0, 1, 1]
    assert [item.label for item in line_items()] == [shot.label for shot in SHOTS]


def test_no_nut_of_the_line_is_in_the_data_set():
    train = {item.read.args[2] for item in PARTS.train_items(None, "nut")}  # type: ignore[attr-defined]
    others = train | {seed for _, seed in scenes("nut")}
    assert not others & set(range(FIRST_SEED, FIRST_SEED + LENGTH + 1))


@pytest.mark.parametrize("number", [1, 12])
def test_the_first_nuts_are_rendered_as_in_the_data_set(number: int):
    shot = SHOTS[number - 1]
    assert (take(shot) == read_part("nut", shot.defect, FIRST_SEED + number, "parts")).all()


def test_the_whole_way_leads_to_the_lamp_of_the_shifted_domain():
    moved = take(Shot(5, "dent", 1.0, 0.0))
    assert (moved == read_part("nut", "dent", FIRST_SEED + 5, "parts_lighting")).all()


def test_a_nut_is_the_same_each_time():
    first = take(SHOTS[-1])
    take.cache_clear()
    assert (take(SHOTS[-1]) == first).all()
    changed = line_items()[-1].read()
    changed[:] = 0
    assert (take(SHOTS[-1]) == first).all()


def test_full_wear_is_the_whole_flaw():
    scene, _, sensor = generators(1)
    nut = lay_down(scene)
    flaw = make_flaw(WORN, np.random.default_rng([2, FIRST_SEED]), nut.face)
    rendered = photograph(paint(scene, nut, flaw, Conditions()), Conditions(), sensor)
    assert (take(Shot(1, GOOD, 0.0, 1.0)) == rendered).all()


def test_damage_grows_with_wear():
    good, *worn = (take(Shot(1, GOOD, 0.0, wear)).astype(int) for wear in (0.0, 0.1, 0.4, 1.0))
    changes = [np.abs(image - good).mean() for image in worn]
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("defect", DEFECTS)
def test_strength_zero_changes_nothing_and_strength_one_is_the_flaw_bit_for_bit(defect: str):
    flaw = flaw_of(defect)
    assert equal(weaken(flaw, 1), flaw)
    assert all((field == 0).all() for field in weaken(flaw, 0))
    assert any((field != 0).any() for field in flaw)


def test_a_flaw_beside_none_is_itself_and_heights_add_up():
    dent, chip = flaw_of("dent"), flaw_of("chipped_corner")
    assert equal(put_together(dent, Flaw()), dent)
    both = put_together(dent, chip)
    assert (both.height == dent.height).all()
    assert (both.broken == chip.broken).all()
    assert (put_together(dent, dent).height == 2 * dent.height).all()
