from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnl_core.config.data import Split
from gnl_core.datasets.base import Item
from gnl_core.datasets.group_splitting import MixedGroups, Sides, divide_groups


def make_items(labels: list[int], *, shifted: tuple[int, ...] = ()) -> list[Item]:
    blank = np.zeros((1, 1, 3), np.uint8)
    return [
        Item(f"{n}.png", lambda: blank, label=label, domain="lamp" if n in shifted else "usual", category="")
        for n, label in enumerate(labels)
    ]


def divide(
    items: list[Item], groups: list[str], *, mixed: MixedGroups = "test", seed: int = 0, percent: float = 20
) -> Sides:
    return divide_groups(items, groups, Split(seed, percent), in_distribution="usual", mixed=mixed)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([0, 0, 0, 1])), min_size=2), st.integers(0, 99))
def test_no_group_is_on_both_sides_and_only_normal_images_are_for_training(drawn: list[tuple[str, int]], seed: int):
    groups, labels = [group for group, _ in drawn], [label for _, label in drawn]
    for mixed in ("test", "divide"):
        try:
            sides = divide(make_items(labels), groups, mixed=mixed, seed=seed)
        except ValueError:
            continue
        assert {groups[n] for n in sides.training}.isdisjoint(groups[n] for n in sides.test)
        assert sides.training
        assert any(labels[n] == 0 for n in sides.test)
        assert not any(labels[n] for n in sides.training)
        assert sorted([*sides.training, *sides.test, *sides.left_out]) == list(range(len(drawn)))
        assert mixed == "divide" or not sides.left_out


@pytest.mark.parametrize("percent", [10, 20, 50])
def test_about_the_wanted_share_of_the_normal_images_is_for_testing(percent: float):
    groups = [str(n // 4) for n in range(400)]
    test = divide(make_items([0] * 400), groups, percent=percent).test
    assert len(test) == pytest.approx(4 * percent, abs=2)


def test_the_split_depends_on_the_seed_alone():
    items, groups = make_items([0] * 40), [str(n // 2) for n in range(40)]
    assert divide(items, groups) == divide(items, groups)
    assert divide(items, groups) != divide(items, groups, seed=1)


def test_groups_with_anomalous_or_shifted_images_are_for_testing():
    items = make_items([0, 1, 0, 0, 0, 0], shifted=(3,))
    sides = divide(items, ["a", "a", "b", "b", "c", "d"])
    assert {0, 1, 2, 3} <= set(sides.test)
    assert sides.training


def test_mixed_groups_can_be_divided_leaving_out_their_anomalous_images():
    items = make_items([0, 1] * 5)
    groups = [str(n // 2) for n in range(10)]
    sides = divide(items, groups, mixed="divide")
    assert [len(side) for side in sides] == [4, 2, 4]
    with pytest.raises(ValueError, match=r"each of the 5 groups .* --mixed-groups divide"):
        divide(items, groups)


def test_a_single_group_cannot_be_divided():
    with pytest.raises(ValueError, match="in 1 group, but a split needs two"):
        divide(make_items([0, 0, 1]), ["a", "a", "b"])
    with pytest.raises(ValueError, match="in 0 groups, but"):
        divide(make_items([1]), ["a"])
