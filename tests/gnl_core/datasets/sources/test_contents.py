from __future__ import annotations

import os
from pathlib import Path

import pytest

from gnl_core.datasets.sources.contents import (
    find_named,
    folder_name,
    index_images,
    kind_of,
    leave_out_masks,
    list_files,
)


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_all_files_are_listed_and_the_others_have_a_reason(tmp_path: Path):
    write(tmp_path, "b/2.png", "a\n/1.JPG", "labels/1.json", ".hidden/3.png", "notes.txt")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    files = list_files(tmp_path)
    assert files.images == [tmp_path / "a\n/1.JPG", tmp_path / "b/2.png"]
    assert files.labels == [tmp_path / "labels/1.json"]
    assert {skipped.file.name: skipped.reason for skipped in files.skipped} == {
        "3.png": "hidden",
        "notes.txt": "not an image file by its suffix",
        "around": "link to a folder",
        "gone.png": "broken link",
        "pipe.png": "not a regular file",
    }


def test_a_link_out_of_the_source_is_refused(tmp_path: Path):
    write(tmp_path, "secret.png", "source/1.png")
    (tmp_path / "source/2.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match="leads out of"):
        list_files(tmp_path / "source")


def test_masks_beside_their_images_are_no_images():
    images, skipped = leave_out_masks([Path("1.png"), Path("1_mask.jpg"), Path("a/1_mask.png")])
    assert images == [Path("1.png"), Path("a/1_mask.png")]
    assert [one.file for one in skipped] == [Path("1_mask.jpg")]


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([], "good"),
        (["OK", "no-defect"], "good"),
        (["intact"], "good"),
        (["pit", " pit ", "good"], "pit"),
        (["pit", "rust"], "combined"),
        ([""], "defect"),
        (["../../etc"], "_.._etc"),
        (["mask"], "mask_defect"),
        (["a\nb\x1b/+"], "a_b___"),
        (["x" * 300], "x" * 60),
        (["Rißé 2"], "Rißé 2"),
    ],
)
def test_the_kind_of_an_image_is_that_of_its_defects_as_the_name_of_a_folder(labels: list[str], kind: str):
    assert kind_of(labels, ["Intact"]) == kind


@pytest.mark.parametrize("name", ["train", "held_out", "original", "source", "good", "gt"])
def test_a_domain_gets_no_name_with_another_meaning(name: str):
    assert folder_name(name) == f"{name}_defect"


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("1.png", "/s/a/1.png"),
        ("../b/1.png", "/s/b/1.png"),
        ("..\\b\\1.png", "/s/b/1.png"),
        ("C:\\work\\b\\1.png", "/s/b/1.png"),
        ("/home/me/2.png", "/s/b/2.png"),
        ("../../../../etc/passwd", None),
        ("", None),
        ("..", None),
    ],
)
def test_a_label_file_finds_its_image_in_the_source_alone(named: str, found: str | None):
    images = index_images(map(Path, ("/s/a/1.png", "/s/b/1.png", "/s/b/2.png")), key=lambda path: path.name)
    assert find_named(named, images, beside=Path("/s/a")) == (Path(found) if found else None)


def test_a_name_that_could_be_of_two_images_is_refused():
    images = index_images(map(Path, ("/s/a/1.png", "/s/b/1.png")), key=lambda path: path.name)
    with pytest.raises(ValueError, match=r"could be /s/a/1\.png or /s/b/1\.png"):
        find_named("1.png", images, beside=Path("/s/labels"))
