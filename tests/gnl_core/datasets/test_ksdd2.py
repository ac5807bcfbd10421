from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.datasets.accounting import find_skipped_files
from gnl_core.datasets.base import Item
from gnl_core.datasets.ksdd2 import KSDD2
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_images, write_ksdd2, write_masks


@pytest.fixture
def surface(tmp_path: Path) -> Path:
    write_ksdd2(tmp_path)
    return tmp_path / "KSDD2"


def trained(surface: Path) -> list[Item]:
    return KSDD2.train_items(surface.parent, "surface")


def scored(surface: Path) -> list[Item]:
    return KSDD2.test_items(surface.parent, "surface", "ksdd2")


def test_an_image_is_normal_if_its_mask_marks_nothing(surface: Path):
    assert [(item.path, item.label, item.category) for item in scored(surface)] == [
        ("ksdd2/test/20000.png", 0, "good"),
        ("ksdd2/test/20001.png", 0, "good"),
        ("ksdd2/test/20002.png", 1, "defect"),
    ]
    assert [int(item.mask().sum()) if item.mask else 0 for item in scored(surface)] == [0, 0, MARKED_PIXELS]


def test_runs_train_on_the_normal_images_alone(surface: Path):
    assert [(item.path, item.label) for item in trained(surface)] == [
        (f"ksdd2/train/{number}.png", 0) for number in (10000, 10001, 10002, 10003)
    ]


def test_a_mask_that_was_changed_changes_the_label(surface: Path):
    write_masks(surface, "test/20001_GT.png", level=255)
    (surface / "test/20001_GT.png").touch()
    assert [item.label for item in scored(surface)] == [0, 1, 1]


def test_the_masks_of_normal_images_count_as_read_and_copies_do_not(surface: Path):
    write_images(surface, "train/10001 (1).png")
    skipped = {one.file.name for one in find_skipped_files([*trained(surface), *scored(surface)])}
    assert skipped == {
        "10001 (1).png",
        "10004.png",
        "10004_GT.png",
    }  # the last two are of an anomaly among the training


def test_an_image_without_a_mask_is_reported(surface: Path):
    (surface / "test/20001_GT.png").unlink()
    with pytest.raises(ValueError, match=r"no mask 20001_GT\.png beside .*20001\.png; restore it"):
        scored(surface)


def test_a_damaged_mask_is_reported(surface: Path):
    mask = surface / "test/20001_GT.png"
    mask.write_bytes(mask.read_bytes()[:48])
    with pytest.raises(ValueError, match=r"20001_GT\.png is truncated, damaged or unreadable .*; replace it"):
        scored(surface)


def test_images_without_normal_or_anomalous_ones_are_reported(surface: Path):
    write_masks(surface, *(f"train/1000{n}_GT.png" for n in range(5)), level=255)
    with pytest.raises(ValueError, match=r"no normal images in .*KSDD2/train; expected KSDD2/train and"):
        trained(surface)
    write_masks(surface, "test/20002_GT.png", level=0)
    with pytest.raises(ValueError, match=r"no anomalies in .*KSDD2/test"):
        scored(surface)


def test_the_folder_that_the_archive_unpacks_to_is_found(surface: Path):
    surface.rename(surface.parent / "KolektorSDD2")
    assert len(trained(surface)) == 4
