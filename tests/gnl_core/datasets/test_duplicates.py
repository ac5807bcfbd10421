from __future__ import annotations

import io
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image

from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.digits import DIGITS
from gnl_core.datasets.duplicates import (
    ACROSS_DOMAINS,
    BETWEEN_SPLITS,
    WITHIN,
    Copies,
    find_copies,
    find_near,
    find_twins,
    pixel_digest,
    thumbnail,
)
from gnl_core.datasets.images import read_image


def noise(seed: int, *, side: int = 64) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def make_item(path: Path, *, seed: int, domain: str = "test") -> Item:
    PIL.Image.fromarray(noise(seed)).save(path)
    return Item(path.name, partial(read_image, path), label=0, domain=domain, category="c", file=path)


def made_item(name: str, domain: str) -> Item:
    return Item(name, partial(noise, 0), label=0, domain=domain, category="c")


def test_a_test_file_that_equals_a_training_file_is_found_with_that_file(tmp_path: Path):
    training = [make_item(tmp_path / f"train{seed}.bmp", seed=seed) for seed in range(4)]
    test = [make_item(tmp_path / f"test{seed}.bmp", seed=seed) for seed in (9, 2, 8)]  # BMPs of one size in bytes
    assert [(one.path, other.path) for one, other in find_twins(training, test)] == [("test2.bmp", "train2.bmp")]


def test_files_with_equal_size_and_middle_are_not_yet_equal(tmp_path: Path):
    training, test = make_item(tmp_path / "a.bmp", seed=1), make_item(tmp_path / "b.bmp", seed=1)
    changed = bytearray((tmp_path / "b.bmp").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "b.bmp").write_bytes(changed)
    assert find_twins([training], [test]) == []


def test_a_file_in_both_lists_is_found(tmp_path: Path):
    item = make_item(tmp_path / "a.png", seed=1)
    assert find_twins([item], [item._replace(domain="other")]) == [(item._replace(domain="other"), item)]


def test_images_in_array_files_are_compared_by_their_pixels(tmp_path: Path):
    file = tmp_path / "arrays.npz"
    train, test = (
        [Item(f"{part}/{seed}", partial(noise, seed), 0, "d", "c", file=file) for seed in seeds]
        for part, seeds in (("train", (1, 2, 3)), ("test", (3, 4)))
    )
    assert [(one.path, other.path) for one, other in find_twins(train, test)] == [("test/3", "train/3")]


def test_computed_images_are_not_compared():
    training = DIGITS.train_items(None, "4")
    assert find_twins(training, training) == []


def test_missing_files_equal_no_other_file(tmp_path: Path):
    items = [make_item(tmp_path / f"{name}.png", seed=1)._replace(file=tmp_path / f"no{name}") for name in "ab"]
    assert find_twins(items[:1], items[1:]) == []


def test_equal_images_are_told_apart_by_where_their_copies_are():
    training = [(made_item(f"train/{position}", "lamp"), kind) for position, kind in enumerate((b"a", b"a", b"c"))]
    places = [(b"a", "lamp"), (b"b", "lamp"), (b"b", "window"), (b"b", "window"), (b"d", "lamp")]
    test = [(made_item(f"{domain}/{position}", domain), kind) for position, (kind, domain) in enumerate(places)]
    assert find_copies(training, test) == [
        Copies(BETWEEN_SPLITS, "lamp", 1, ("lamp/0", "train/0")),
        Copies(ACROSS_DOMAINS, "window", 1, ("window/2", "lamp/1")),
        Copies(WITHIN, "train", 1, ("train/1", "train/0")),
        Copies(WITHIN, "window", 1, ("window/3", "window/2")),
    ]


def test_a_copy_saved_in_another_format_has_equal_pixels_and_other_bytes(tmp_path: Path):
    first = make_item(tmp_path / "a.png", seed=1)
    second = make_item(tmp_path / "a.bmp", seed=1)
    assert find_twins([first], [second]) == []
    assert pixel_digest(first.read()) == pixel_digest(second.read())
    assert pixel_digest(np.zeros((2, 8, 3), np.uint8)) != pixel_digest(np.zeros((4, 4, 3), np.uint8))


def test_a_copy_saved_as_jpeg_or_at_a_smaller_size_is_a_near_copy_and_another_image_is_not():
    photograph = np.asarray(PIL.Image.fromarray(noise(1, side=6)).resize((200, 160), PIL.Image.Resampling.BICUBIC))
    stream = io.BytesIO()
    PIL.Image.fromarray(photograph).save(stream, "JPEG", quality=85)
    saved = np.asarray(PIL.Image.open(stream))
    smaller = np.asarray(PIL.Image.fromarray(photograph).resize((150, 120), PIL.Image.Resampling.LANCZOS))
    training = np.stack([thumbnail(noise(2)), thumbnail(photograph)])
    test = np.stack([thumbnail(image) for image in (saved, smaller, noise(3))])
    assert find_near(training, test).tolist() == [1, 1, -1]


def test_a_difference_of_one_level_is_near_and_of_two_is_not():
    grey = [np.full((1, 1024), value, np.float32) for value in (100, 101, 102)]
    assert find_near(grey[0], np.concatenate(grey[1:])).tolist() == [0, -1]


def test_every_copy_of_a_file_is_found(tmp_path: Path):
    first = make_item(tmp_path / "a.png", seed=1)
    copies = []
    for number in range(3):
        shutil.copy(tmp_path / "a.png", tmp_path / f"{number}.png")
        copies.append(first._replace(path=f"{number}.png", file=tmp_path / f"{number}.png"))
    assert [one.path for one, _ in find_twins([first], copies)] == ["0.png", "1.png", "2.png"]
