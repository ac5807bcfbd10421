from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from gnl_core.datasets import list_items, list_train_items
from gnl_core.datasets.accounting import describe_skipped_files, find_skipped_files, list_sources, shown_path, walk
from gnl_core.datasets.base import Item


def write_images(root: Path, *places: str) -> None:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("L", (4, 4), 255).save(root / place)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's images with a masked defect."""
    root = tmp_path / "own"
    write_images(root, "train/good/1.png", "test/good/2.png", "test/hole/3.png", "ground_truth/hole/3_mask.png")
    return root


def everything(root: Path) -> list[Item]:
    training = list_train_items("folder", normal_class="good", root=root)
    return [*training, *list_items("folder", normal_class="good", domain="test", root=root)]


def passed_over(root: Path) -> dict[str, str]:
    found = find_skipped_files(everything(root))
    return {one.file.relative_to(root).as_posix(): one.reason for one in found}


def test_items_know_their_files_and_their_masks_files(folder: Path):
    known = {(item.file, item.mask_files) for item in everything(folder)}
    assert known == {
        (folder / "train/good/1.png", ()),
        (folder / "test/good/2.png", ()),
        (folder / "test/hole/3.png", (folder / "ground_truth/hole/3_mask.png",)),
    }


def test_no_file_of_a_completely_read_folder_is_skipped(folder: Path):
    (folder / "licence.txt").write_text("beside the images, not among them")
    assert passed_over(folder) == {}


def test_every_file_that_is_not_read_has_its_reason(folder: Path):
    write_images(folder, "test/good/.hidden.png", "test/good/deeper/4.png", "val/5.png")
    write_images(folder, "ground_truth/good/2_mask.png")
    (folder / "test/good/notes.txt").write_text("x")
    (folder / "test/good/photo.heic").write_text("x")
    (folder / "train/good/gone.dat").symlink_to(folder / "nowhere")
    (folder / "train/good/linked").symlink_to(folder / "val")
    assert passed_over(folder) == {
        "test/good/.hidden.png": "hidden",
        "test/good/notes.txt": "not an image file by its suffix",
        "test/good/photo.heic": "not an image file by its suffix",
        "test/good/deeper/4.png": "in a nested folder",
        "train/good/gone.dat": "broken link",
        "train/good/linked": "link to a folder",
        "val/5.png": "in a folder that is not read",
        "ground_truth/good/2_mask.png": "mask without an image",
    }


def test_beside_the_folders_that_are_read_only_visible_images_count_as_skipped(folder: Path):
    write_images(folder, "runs/a/map.png", ".cache/1.png")
    (folder / "runs/a/config.json").write_text("{}")
    assert passed_over(folder) == {"runs/a/map.png": "in a folder that is not read"}


def test_images_read_through_a_link_to_a_folder_are_not_skipped(folder: Path):
    (folder / "test/hole").rename(folder / "holes")
    (folder / "test/hole").symlink_to(folder / "holes")
    assert passed_over(folder) == {"holes/3.png": "in a folder that is not read"}  # the name by which it is not read


def test_skipped_files_are_summarised_by_reason_with_the_first_of_each(folder: Path):
    write_images(folder, "val/5.png", "val/6.png", "test/good/.7.png")
    assert describe_skipped_files(find_skipped_files(everything(folder)), folder) == [
        "1 x hidden, first: test/good/.7.png",
        "2 x in a folder that is not read, first: val/5.png",
    ]


def test_images_that_are_made_have_no_files():
    items = list_train_items("digits", normal_class="4")
    assert find_skipped_files(items) == []
    assert list_sources(items, Path()) == []


def test_sources_are_the_folders_that_images_come_from_in_their_order(folder: Path):
    assert list_sources(everything(folder), folder) == ["train", "test"]


def test_any_name_is_shown_on_one_line():
    assert shown_path(Path("/data/a\nb\udcff.png"), Path("/data")) == "a\\nb\\udcff.png"


def test_folders_of_any_depth_and_links_in_a_loop_are_walked(tmp_path: Path):
    folders = [tmp_path / "/".join("d" * depth) for depth in range(1, 1100)]
    for folder in folders:
        folder.mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (folders[-1] / "1.png").write_bytes(b"")
    try:
        assert list(walk(tmp_path, ())) == [tmp_path / "a", tmp_path / "b", folders[-1] / "1.png"]
    finally:
        (folders[-1] / "1.png").unlink()
        for folder in reversed(folders):  # pytest would remove them by recursion
            folder.rmdir()
