from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gnl_core.datasets import PAPERS_SHIFTS
from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.validation_task import (
    PATCH_AREA,
    SHIFTS,
    STAIN_AREA,
    add_texture,
    cut_paste,
    turn_over,
    validation_items,
)


def gradient(height: int, width: int) -> Image:
    """An image without two equal pixels."""
    return np.dstack([*np.indices((height, width)), np.full((height, width), 7)]).astype(np.uint8)


def test_each_image_comes_once_normal_and_once_with_each_anomaly(stripes: Callable[..., list[Item]]):
    items = validation_items(stripes(3, label=0), anomalies="objects", shift="fog", seed=0)
    assert [item.label for item in items] == [0, 1, 1] * 3
    assert len({item.path for item in items}) == 9
    assert {item.domain for item in items} == {"validation_fog"}


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_same_seed_gives_the_same_images_of_the_same_size(shift: str, stripes: Callable[..., list[Item]]):
    first, again, other = (
        validation_items(stripes(2, label=0), anomalies="defects", shift=shift, seed=seed) for seed in (0, 0, 1)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.read(), two.read())
        assert one.read().shape == (32, 32, 3)
        assert one.read().dtype == np.uint8
    assert any(not np.array_equal(one.read(), two.read()) for one, two in zip(first, other, strict=True))


def test_unchanged_normal_images_are_the_images_themselves(stripes: Callable[..., list[Item]]):
    (original,) = stripes(1, label=0)
    normal, *anomalous = validation_items([original], anomalies="objects", shift="unchanged", seed=0)
    np.testing.assert_array_equal(normal.read(), original.read())
    assert not any(np.array_equal(one.read(), original.read()) for one in anomalous)


def test_no_shift_of_the_papers_tests_is_among_those_of_validation():
    assert not {shift.partition(":")[0] for shift in PAPERS_SHIFTS} & set(SHIFTS)


def test_turned_over_the_last_row_is_the_first():
    image = gradient(10, 14)
    turned = turn_over(image, np.random.default_rng(0))
    np.testing.assert_array_equal(turned[0], image[-1])
    np.testing.assert_array_equal(turned[::-1], image)


@pytest.mark.parametrize("seed", range(10))
def test_a_texture_changes_a_tenth_of_the_image_by_no_more_than_half(seed: int):
    image = np.full((40, 60, 3), 200, dtype=np.uint8)
    textured = add_texture(image, np.random.default_rng(seed))
    changed = (textured != image).any(axis=2)
    assert changed.mean() == pytest.approx(STAIN_AREA, abs=0.02)
    assert textured.min() >= 100
    assert textured.max() <= 228


@pytest.mark.parametrize("seed", range(20))
def test_cut_paste_copies_one_rectangle_of_the_image_to_another_place(seed: int):
    image = gradient(40, 60)
    pasted = cut_paste(image, np.random.default_rng(seed))
    changed = (pasted != image).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    inside = pasted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert changed.sum() == len(rows) * len(columns) == inside.shape[0] * inside.shape[1]
    assert (np.diff(inside[..., 0].astype(int), axis=0) == 1).all()  # it is a piece of the gradient
    assert (np.diff(inside[..., 1].astype(int), axis=1) == 1).all()
    assert 0.8 * PATCH_AREA[0] <= changed.mean() <= 1.2 * PATCH_AREA[1]


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (28, 28)])
def test_the_smallest_images_get_an_anomaly_too(size: tuple[int, int]):
    for seed in range(10):
        for change in (turn_over, add_texture, cut_paste):
            image = gradient(*size)
            assert not np.array_equal(change(image, np.random.default_rng(seed)), image)
