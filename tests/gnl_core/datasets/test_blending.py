from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.blending import blend_digit, blend_digits


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def write_photograph(path: Path, *, value: int = 0, size: tuple[int, int] = (40, 30)) -> Path:
    PIL.Image.new("RGB", size, (value, value, value)).save(path)
    return path


def test_a_blend_is_the_absolute_difference_in_each_channel():
    digit = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    photograph = np.array([[[10, 20, 30], [10, 20, 30]]], np.uint8)
    assert blend_digit(digit, photograph, generator=rng()).tolist() == [[[10, 20, 30], [245, 235, 225]]]


def test_every_crop_of_the_photograph_can_be_drawn():
    photograph = np.arange(3 * 4, dtype=np.uint8).reshape(3, 4, 1).repeat(3, axis=2)
    generator = rng()
    corners = {blend_digit(np.zeros((2, 2, 3), np.uint8), photograph, generator=generator)[0, 0, 0] for _ in range(200)}
    assert corners == {0, 1, 2, 4, 5, 6}


def test_black_digits_show_all_photographs_and_white_ones_their_negatives(tmp_path: Path):
    paths = [write_photograph(tmp_path / f"{value}.png", value=value) for value in (10, 20, 200)]
    black = blend_digits(np.zeros((50, 28, 28), np.uint8), paths, seed=1)
    white = blend_digits(np.full((50, 28, 28), 255, np.uint8), paths, seed=1)
    assert black.shape == (50, 28, 28, 3)
    assert set(np.unique(black)) == {10, 20, 200}
    np.testing.assert_array_equal(black, 255 - white)


def test_the_grey_edge_of_a_digit_counts_as_white(tmp_path: Path):
    path = write_photograph(tmp_path / "a.png", value=60)
    digit = np.zeros((1, 28, 28), np.uint8)
    digit[0, 0, :3] = 1, 128, 255
    blended = blend_digits(digit, [path], seed=0)
    assert blended[0, 0, :4, 0].tolist() == [195, 195, 195, 60]


def test_the_blending_of_a_digit_does_not_depend_on_the_following_digits(tmp_path: Path):
    noise = rng(5).integers(256, size=(60, 60, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "a.png")
    paths = [tmp_path / "a.png", write_photograph(tmp_path / "b.png")]
    digits = rng(6).integers(256, size=(12, 28, 28), dtype=np.uint8)
    few, many, other = (blend_digits(digits[:n], paths, seed=seed) for n, seed in ((5, 0), (12, 0), (12, 1)))
    np.testing.assert_array_equal(few, many[:5])
    assert not np.array_equal(many, other)


@pytest.mark.parametrize("size", [(27, 40), (40, 27)])
def test_a_photograph_smaller_than_a_digit_is_refused_by_name(tmp_path: Path, size: tuple[int, int]):
    path = write_photograph(tmp_path / "tiny.png", size=size)
    with pytest.raises(ValueError, match=rf"tiny\.png has {size[0]}x{size[1]} pixels, expected 28x28 or more; leave"):
        blend_digits(np.zeros((1, 28, 28), np.uint8), [path], seed=0)
