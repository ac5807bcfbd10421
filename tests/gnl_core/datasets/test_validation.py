from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gnl_core.datasets import PAPERS_SHIFTS
from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.validation import SHIFTS, STAIN_AREA, add_texture, turn_over, validation_items


def gradient(height: int, width: int) -> Image:
    """An image without two equal pixels."""
    return np.dstack([*np.indices((height, width)), np.full((height, width), 7)]).astype(np.uint8)


def test_each_image_comes_once_normal_and_once_anomalous(stripes: Callable[..., list[Item]]):
    items = validation_items(stripes(3, label=0), shift="fog", seed=0)
    assert [item.label for item in items] == [0, 1] * 3
    assert len({item.path for item in items}) == 6
    assert {item.domain for item in items} == {"validation_fog"}


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_same_seed_gives_the_same_images_of_the_same_size(shift: str, stripes: Callable[..., list[Item]]):
    first, again, other = (validation_items(stripes(2, label=0), shift=shift, seed=seed) for seed in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.read(), two.read())
        assert one.read().shape == (32, 32, 3)
        assert one.read().dtype == np.uint8
    assert any(not np.array_equal(one.read(), two.read()) for one, two in zip(first, other, strict=True))


def test_unchanged_normal_images_are_the_images_themselves(stripes: Callable[..., list[Item]]):
    (original,) = stripes(1, label=0)
    normal, anomalous = validation_items([original], shift="unchanged", seed=0)
    np.testing.assert_array_equal(normal.read(), original.read())
    assert not np.array_equal(anomalous.read(), original.read())


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


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (28, 28)])
def test_the_smallest_images_get_an_anomaly_too(size: tuple[int, int]):
    for seed in range(10):
        for change in (turn_over, add_texture):
            image = gradient(*size)
            assert not np.array_equal(change(image, np.random.default_rng(seed)), image)
