from __future__ import annotations

import shutil
from pathlib import Path

import PIL.Image
import pytest

from gnl_core.datasets.accounting import find_skipped_files
from gnl_core.datasets.base import Item
from gnl_core.datasets.mvtec_loco import MVTEC_LOCO
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_masks, write_mvtec_loco

LOGICAL = "logical_anomalies"


@pytest.fixture
def pushpins(tmp_path: Path) -> Path:
    write_mvtec_loco(tmp_path)
    return tmp_path / "mvtec_loco/pushpins"


def scored(pushpins: Path) -> list[Item]:
    return MVTEC_LOCO.test_items(pushpins.parents[1], "pushpins", "mvtec_loco")


def test_the_two_kinds_of_anomalies_are_categories(pushpins: Path):
    prefix = "mvtec_loco/pushpins/test/"
    listed = [(item.path.removeprefix(prefix), item.label, item.category) for item in scored(pushpins)]
    assert listed == [
        (f"{kind}/{number}.png", int(kind != "good"), kind)
        for kind in ("good", "logical_anomalies", "structural_anomalies")
        for number in ("000", "001")
    ]


def test_a_pixel_is_anomalous_if_any_mask_of_its_image_marks_it(pushpins: Path):
    other = pushpins / "ground_truth" / LOGICAL / "001/001.png"
    picture = PIL.Image.open(other)
    picture.putpixel((0, 0), 250)
    picture.save(other)
    marked = {item.path[-9:]: int(item.mask().sum()) for item in scored(pushpins) if item.category == LOGICAL}
    assert marked == {"s/000.png": MARKED_PIXELS, "s/001.png": MARKED_PIXELS + 1}


def test_every_mask_counts_as_read_and_the_images_for_validation_do_not(pushpins: Path):
    training = MVTEC_LOCO.train_items(pushpins.parents[1], "pushpins")
    skipped = find_skipped_files([*training, *scored(pushpins)])
    assert [one.file.relative_to(pushpins).as_posix() for one in skipped] == ["validation/good/000.png"]


def test_masks_without_an_image_are_reported(pushpins: Path):
    write_masks(pushpins, f"ground_truth/{LOGICAL}/007/000.png")
    with pytest.raises(ValueError, match=r"the masks in .*/007 have no image; expected 007\.png in test/logical_anom"):
        scored(pushpins)


def test_an_empty_folder_of_masks_is_reported(pushpins: Path):
    (pushpins / "ground_truth" / LOGICAL / "001/000.png").unlink()
    (pushpins / "ground_truth" / LOGICAL / "001/001.png").unlink()
    with pytest.raises(ValueError, match=r"no images in .*/001; expected PNG"):
        scored(pushpins)


def test_a_mask_of_another_size_is_reported_when_it_is_read(pushpins: Path):
    PIL.Image.new("L", (3, 2)).save(pushpins / "ground_truth" / LOGICAL / "001/001.png")
    with pytest.raises(ValueError, match=r"001\.png has 3x2 pixels, its image .*001\.png has 12x8"):
        scored(pushpins)[3].mask()


def test_without_masks_the_images_are_read_alone(pushpins: Path):
    shutil.rmtree(pushpins / "ground_truth")
    assert {item.mask for item in scored(pushpins)} == {None}


def test_the_folder_that_the_archive_unpacks_to_is_found(pushpins: Path):
    pushpins.parent.rename(pushpins.parents[1] / "mvtec_loco_anomaly_detection")
    assert len(MVTEC_LOCO.train_items(pushpins.parents[1], "pushpins")) == 4
