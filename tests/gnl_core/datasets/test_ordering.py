from __future__ import annotations

import os
from pathlib import Path

import PIL.ExifTags
import PIL.Image
import pytest

from gnl_core.datasets.ordering import order_files


def names(order: str, *given: str) -> list[str]:
    return [path.name for path in order_files([Path(name) for name in given], order)]


def save_photograph(path: Path, *, taken: str | None = None) -> Path:
    image = PIL.Image.new("RGB", (4, 4))
    exif = PIL.Image.Exif()
    if taken:
        exif.get_ifd(PIL.ExifTags.IFD.Exif)[PIL.ExifTags.Base.DateTimeOriginal] = taken
    image.save(path, exif=exif)
    return path


def test_names_are_in_natural_order():
    assert names("name", "b.png", "a10.png", "a2.png", "a.png") == ["a.png", "a2.png", "a10.png", "b.png"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("z_20191231.png", "a_20200101.png"),
        ("z_191231235959_277500.png", "a_200101000000_090.png"),
        ("z-20200828110014.png", "a-20200828110015.png"),
        ("z_200828110014.png", "a_20200829.png"),  # years of two and of four digits
        ("z_20200828_1.png", "z_20200828_2.png"),
    ],
)
def test_dates_in_names_decide(earlier: str, later: str):
    assert names("date", later, earlier) == [earlier, later]


def test_digits_that_are_no_date_are_skipped():
    assert names("date", "99999999_20200102.png", "99999998_20200103.png") == [
        "99999999_20200102.png",
        "99999998_20200103.png",
    ]


def test_names_of_one_length_are_read_in_the_same_way():
    # the first alone could be 11 December 2008; the second has a month 28 then, so both begin with a year of two digits
    assert names("date", "200812110014.png", "200828110014.png", "20100101.png") == [
        "20100101.png",
        "200812110014.png",
        "200828110014.png",
    ]


def test_without_a_date_in_the_name_the_photograph_decides(tmp_path: Path):
    late = save_photograph(tmp_path / "a.jpg", taken="2020:08:29 10:00:00")
    early = save_photograph(tmp_path / "b.jpg", taken="2020:08:28 10:00:00")
    assert order_files([late, early], "date") == [early, late]


def test_an_image_without_any_date_is_refused_by_name(tmp_path: Path):
    path = save_photograph(tmp_path / "part.jpg")
    with pytest.raises(ValueError, match=r"part\.jpg has no date.*--order name"):
        order_files([path], "date")


def test_the_time_of_the_last_change_decides(tmp_path: Path):
    paths = [save_photograph(tmp_path / f"{name}.png") for name in "abc"]
    for path, seconds in zip(paths, (300, 100, 200), strict=True):
        os.utime(path, (seconds, seconds))
    assert [path.stem for path in order_files(paths, "modified")] == ["b", "c", "a"]
