from __future__ import annotations

import os
from pathlib import Path

import pytest

from gnl_core.datasets.listing import inside, list_folders, list_images


def touched(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_images_are_sorted_by_name_and_nothing_else_is_listed(tmp_path: Path):
    names = ["b.PNG", "a.jpg", "c d.Jpeg", "e.JPE", "f.jfif", "é'\".webp", "10.bmp", "9.tif", "x.tiff"]
    touched(*(tmp_path / name for name in [*names, ".hidden.png", "._a.jpg", "notes.txt", "Thumbs.db", "png"]))
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path, root=tmp_path)] == sorted(names)


def test_folders_are_sorted_by_name_without_hidden_ones(tmp_path: Path):
    for name in ("b", "a", ".git"):
        (tmp_path / name).mkdir()
    touched(tmp_path / "file")
    assert [path.name for path in list_folders(tmp_path)] == ["a", "b"]


def test_a_missing_folder_is_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"cannot list the folder .*none: .*; check its path"):
        list_images(tmp_path / "none", root=tmp_path)


def test_a_file_that_leads_out_of_the_root_is_refused_by_name(tmp_path: Path):
    touched(tmp_path / "outside.png", tmp_path / "root" / "a.png")
    (tmp_path / "root" / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(ValueError, match=r"link\.png leads out of .*root through a symlink; copy"):
        list_images(tmp_path / "root", root=tmp_path / "root")


def test_a_folder_that_leads_out_of_the_root_is_refused_by_name(tmp_path: Path):
    touched(tmp_path / "outside" / "a.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "good").symlink_to("../outside")
    with pytest.raises(ValueError, match=r"good leads out of .*root through a symlink"):
        list_images(tmp_path / "root" / "good", root=tmp_path / "root")


def test_a_symlink_within_the_root_is_followed(tmp_path: Path):
    touched(tmp_path / "a" / "1.png")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "a" / "2.png").symlink_to("1.png")
    assert len(list_images(tmp_path / "b", root=tmp_path)) == 2


def test_the_root_itself_may_be_a_symlink(tmp_path: Path):
    touched(tmp_path / "real" / "1.png")
    (tmp_path / "link").symlink_to("real")
    assert inside(tmp_path / "link", tmp_path / "link" / "1.png")
    assert len(list_images(tmp_path / "link", root=tmp_path / "link")) == 1


def test_two_dots_and_a_longer_folder_name_lead_out_of_the_root(tmp_path: Path):
    assert not inside(tmp_path / "a", tmp_path / "a" / ".." / "b")
    assert not inside(tmp_path / "a", tmp_path / "ab")


def test_a_name_that_is_not_text_is_refused(tmp_path: Path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).touch()
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    with pytest.raises(ValueError, match=r"is not valid UTF-8; rename it"):
        list_images(tmp_path, root=tmp_path)
