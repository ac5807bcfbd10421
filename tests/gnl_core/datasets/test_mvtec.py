from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.mvtec import MVTEC


def write_image(path: Path, *, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new(mode, size, 255 if mode == "L" else 0).save(path)


@pytest.fixture
def bottle(tmp_path: Path) -> Path:
    folder = tmp_path / "mvtec" / "bottle"
    for name in ("train/good/000", "train/good/001", "test/good/000", "test/crack/000", "test/crack/001"):
        write_image(folder / f"{name}.png")
    write_image(folder / "ground_truth/crack/000_mask.png", mode="L")
    write_image(folder / "ground_truth/crack/001_mask.png", mode="L")
    (folder / "license.txt").touch()
    return folder


def test_a_category_is_listed_with_its_defects_and_masks(tmp_path: Path, bottle: Path):
    train, test = MVTEC.train_items(tmp_path, "bottle"), MVTEC.test_items(tmp_path, "bottle", "mvtec")
    assert [item.path for item in train] == ["mvtec/bottle/train/good/000.png", "mvtec/bottle/train/good/001.png"]
    assert [(item.path, item.label, item.category) for item in test] == [
        ("mvtec/bottle/test/crack/000.png", 1, "crack"),
        ("mvtec/bottle/test/crack/001.png", 1, "crack"),
        ("mvtec/bottle/test/good/000.png", 0, "good"),
    ]
    assert {item.domain for item in train + test} == {"mvtec"}
    assert {(item.label, item.category, item.mask) for item in train} == {(0, "good", None)}
    assert test[2].mask is None
    np.testing.assert_array_equal(test[0].mask(), np.ones((4, 6), dtype=bool))
    assert test[0].read().shape == (4, 6, 3)


def test_the_archives_own_folder_name_is_accepted(tmp_path: Path, bottle: Path):
    (tmp_path / "mvtec").rename(tmp_path / "mvtec_anomaly_detection")
    assert MVTEC.train_items(tmp_path, "bottle")[0].path == "mvtec/bottle/train/good/000.png"


def test_a_defect_without_mask_is_listed(tmp_path: Path, bottle: Path):
    (bottle / "ground_truth/crack/000_mask.png").unlink()
    items = MVTEC.test_items(tmp_path, "bottle", "mvtec")
    assert [item.mask is None for item in items] == [True, False, True]


def test_without_any_masks_the_images_are_listed(tmp_path: Path, bottle: Path):
    (bottle / "ground_truth").rename(tmp_path / "elsewhere")
    assert len(MVTEC.test_items(tmp_path, "bottle", "mvtec")) == 3


def test_a_mask_without_image_is_reported(tmp_path: Path, bottle: Path):
    write_image(bottle / "ground_truth/crack/002_mask.png", mode="L")
    with pytest.raises(ValueError, match=r"the mask .*002_mask\.png has no image; expected masks named like"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")


def test_masks_of_a_missing_defect_are_reported(tmp_path: Path, bottle: Path):
    write_image(bottle / "ground_truth/split/000_mask.png", mode="L")
    with pytest.raises(ValueError, match=r"the masks in .*/split have no images; expected images in .*/test/split"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")


def test_a_mask_of_another_size_is_reported_when_it_is_read(tmp_path: Path, bottle: Path):
    write_image(bottle / "ground_truth/crack/001_mask.png", mode="L", size=(3, 2))
    with pytest.raises(ValueError, match=r"001_mask\.png has 3x2 pixels, its image .*001\.png has 6x4"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")[1].mask()


def test_a_missing_category_is_reported(tmp_path: Path, bottle: Path):
    with pytest.raises(ValueError, match=r"no folder .*mvtec/cable; expected mvtec/<category>/train/good"):
        MVTEC.train_items(tmp_path, "cable")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_split_folder_is_reported(tmp_path: Path, bottle: Path, split: str):
    (bottle / split).rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=rf"no folder .*mvtec/bottle/{split}.*; expected"):
        (MVTEC.train_items(tmp_path, "bottle"), MVTEC.test_items(tmp_path, "bottle", "mvtec"))


def test_an_empty_folder_is_reported(tmp_path: Path, bottle: Path):
    (bottle / "test" / "scratch").mkdir()
    with pytest.raises(ValueError, match=r"no images in .*bottle/test/scratch; expected"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")


def test_a_category_without_defects_is_reported(tmp_path: Path, bottle: Path):
    (bottle / "test" / "crack").rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"no anomalies in .*bottle/test; expected images of something other than"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")


def test_a_category_that_leads_out_of_the_root_is_refused(tmp_path: Path, bottle: Path):
    (tmp_path / "root" / "mvtec").mkdir(parents=True)
    (tmp_path / "root" / "mvtec" / "bottle").symlink_to(bottle)
    with pytest.raises(ValueError, match=r"mvtec/bottle leads out of .*root through a symlink"):
        MVTEC.train_items(tmp_path / "root", "bottle")


def test_other_spellings_are_the_same_folders(tmp_path: Path, bottle: Path):
    for old, new in {"train/good": "train/Good", "test/good": "test/GOOD", "ground_truth": "Ground_Truth"}.items():
        (bottle / old).rename(bottle / new)
    (bottle / "Ground_Truth/crack/000_mask.png").rename(bottle / "Ground_Truth/crack/000.PNG")
    bottle.rename(tmp_path / "mvtec" / "Bottle")
    items = MVTEC.test_items(tmp_path, "bottle", "mvtec")
    assert sorted((item.category, item.label, item.mask is None) for item in items) == [
        ("crack", 1, False),
        ("crack", 1, False),
        ("good", 0, True),
    ]
    assert len(MVTEC.train_items(tmp_path, "bottle")) == 2


def test_a_category_without_normal_test_images_is_reported(tmp_path: Path, bottle: Path):
    (bottle / "test" / "good").rename(bottle / "test" / "gut")
    with pytest.raises(ValueError, match=r"no folder of normal images in .*bottle/test, which has crack, gut"):
        MVTEC.test_items(tmp_path, "bottle", "mvtec")
