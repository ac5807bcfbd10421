from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.checking import check_items, leave_out_broken
from gnl_core.datasets.images import read_image, read_mask, read_mask_of


def make_item(path: Path, *, label: int = 1, **fields: object) -> Item:
    item = Item(path=path.name, read=partial(read_image, path), label=label, domain="d", category="c")
    return item._replace(**fields)


def image_file(path: Path, *, size: tuple[int, int] = (6, 4), value: int = 0) -> Path:
    PIL.Image.new("L", size, value).save(path)
    return path


def test_sound_images_and_masks_have_no_problems(tmp_path: Path):
    image, mask = image_file(tmp_path / "a.png"), image_file(tmp_path / "m.png", value=255)
    assert check_items([make_item(image), make_item(image, mask=partial(read_mask_of, image, mask))]) == []


def test_all_problems_are_reported_at_once_in_the_order_of_the_items(tmp_path: Path):
    image = image_file(tmp_path / "a.png")
    cut = image_file(tmp_path / "cut.png", size=(90, 90))
    cut.write_bytes(cut.read_bytes()[:60])
    small, empty = image_file(tmp_path / "small.png", size=(2, 2), value=1), image_file(tmp_path / "empty.png")
    problems = check_items(
        [
            make_item(cut),
            make_item(tmp_path / "gone.png"),
            make_item(image, mask=partial(read_mask_of, image, small)),
            make_item(image, mask=partial(read_mask, small)),
            make_item(image, mask=partial(read_mask, empty)),
            make_item(image, mask=partial(read_mask, tmp_path / "gone_mask.png")),
        ]
    )
    assert len(problems) == 6
    words = [
        "cut.png is truncated",
        "gone.png",
        "small.png has 2x2",
        "its mask has shape",
        "mask is empty",
        "gone_mask",
    ]
    assert all(word in problem for word, problem in zip(words, problems, strict=True))
    assert not any("\n" in problem for problem in problems)


def test_a_problem_shared_by_many_images_is_reported_once(tmp_path: Path):
    assert len(check_items([make_item(tmp_path / "gone.png")] * 3)) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_readable_items_are_kept_and_each_unreadable_item_is_reported(tmp_path: Path, workers: int):
    good = [make_item(image_file(tmp_path / f"{index}.png")) for index in range(2)]
    cut = image_file(tmp_path / "cut.png", size=(90, 90))
    cut.write_bytes(cut.read_bytes()[:60])
    items = [good[0], make_item(cut), good[1], make_item(tmp_path / "gone.png")]
    left, problems = leave_out_broken(items, workers=workers)
    assert left == good
    assert [problem.split(" ")[0] for problem in problems] == [str(cut), "no"]
    assert "gone.png" in problems[1]


def test_no_sound_item_is_left_out(tmp_path: Path):
    items = [make_item(image_file(tmp_path / "a.png"))]
    assert leave_out_broken(items) == (items, [])
    assert leave_out_broken([]) == ([], [])


def test_unreadable_images_alone_are_refused(tmp_path: Path):
    items = [make_item(tmp_path / f"{name}.png") for name in "ab"]
    with pytest.raises(ValueError, match=r"none of 2 images can be read; the first: no image file at .*a\.png"):
        leave_out_broken(items)


def test_an_error_of_another_kind_is_not_hidden():
    def fail() -> np.ndarray:
        raise MemoryError

    with pytest.raises(MemoryError):
        leave_out_broken([make_item(Path("a.png"), read=fail)])


def test_an_image_of_another_shape_or_type_is_reported():
    for image in (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))):
        (problem,) = check_items([make_item(Path("a.png"), read=partial(np.copy, image))])
        assert problem.startswith("a.png: its image has shape (2, 2")


def test_an_error_of_any_type_is_reported_as_a_problem(tmp_path: Path):
    def fail() -> np.ndarray:
        raise RuntimeError("broken")

    assert check_items([make_item(Path("a.png"), read=fail)]) == ["a.png: RuntimeError: broken"]
