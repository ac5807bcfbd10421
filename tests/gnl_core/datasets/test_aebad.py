from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gnl_core.datasets.aebad import AEBAD
from gnl_core.datasets.base import Item
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_aebad, write_masks


@pytest.fixture
def blades(tmp_path: Path) -> Path:
    write_aebad(tmp_path)
    return tmp_path / "AeBAD/AeBAD_S"


def trained(blades: Path) -> list[Item]:
    return AEBAD.train_items(blades.parents[1], "blade")


def scored(blades: Path, domain: str = "aebad") -> list[Item]:
    return AEBAD.test_items(blades.parents[1], "blade", domain)


def test_runs_train_on_all_conditions_of_the_training_images(blades: Path):
    assert [item.path for item in trained(blades)] == [
        f"aebad/train/good/{condition}/{number}.png"
        for condition in ("background", "illumination", "view")
        for number in ("000", "001")
    ]
    assert {(item.label, item.domain, item.category) for item in trained(blades)} == {(0, "aebad", "good")}


@pytest.mark.parametrize(
    ("domain", "condition", "defects"),
    [
        ("aebad", "same", {"ablation", "fracture"}),
        ("aebad_background", "background", {"ablation"}),
        ("aebad_illumination", "illumination", {"ablation"}),
        ("aebad_view", "view", {"ablation", "fracture"}),
    ],
)
def test_a_condition_is_a_domain_and_may_lack_a_defect(blades: Path, domain: str, condition: str, defects: set[str]):
    items = scored(blades, domain)
    assert {item.path.split("/")[3] for item in items} == {condition}
    assert {item.category: item.label for item in items} == {"good": 0, **dict.fromkeys(defects, 1)}
    assert {item.mask().sum() for item in items if item.label} == {MARKED_PIXELS}
    assert {item.mask for item in items if not item.label} == {None}
    assert {item.domain for item in items} == {domain}


@pytest.mark.parametrize("folder", ["AeBAD_S", "AeBAD", "aebad/aebad_s"])
def test_the_folders_that_people_have_are_found(blades: Path, folder: str):
    root = blades.parents[1]
    (root / "elsewhere" / folder).parent.mkdir(parents=True)
    blades.rename(root / "elsewhere" / folder)
    assert len(AEBAD.train_items(root / "elsewhere", "blade")) == 6


def test_a_missing_condition_is_reported(blades: Path):
    shutil.rmtree(blades / "test/good/view")
    with pytest.raises(ValueError, match=r"no images in .*/test/good/view; expected AeBAD/AeBAD_S/train/good"):
        scored(blades, "aebad_view")


def test_a_condition_without_defects_is_reported(blades: Path):
    shutil.rmtree(blades / "test/ablation/background")
    with pytest.raises(ValueError, match=r"no anomalies in .*/test;"):
        scored(blades, "aebad_background")


def test_training_images_without_conditions_are_reported(blades: Path):
    for place in (blades / "train/good").iterdir():
        shutil.rmtree(place)
    with pytest.raises(ValueError, match=r"no folders in .*train/good; expected AeBAD"):
        trained(blades)


def test_a_mask_without_an_image_is_reported(blades: Path):
    write_masks(blades, "ground_truth/ablation/same/009.png")
    with pytest.raises(ValueError, match=r"the mask .*ablation/same/009\.png has no image"):
        scored(blades)


def test_an_empty_folder_is_reported(blades: Path):
    shutil.rmtree(blades / "test/fracture/same")
    (blades / "test/fracture/same").mkdir()
    with pytest.raises(ValueError, match=r"no images in .*fracture/same"):
        scored(blades)


def test_a_missing_data_set_is_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no folder .*AeBAD/AeBAD_S/train; expected AeBAD/AeBAD_S/train/good/<cond"):
        AEBAD.train_items(tmp_path, "blade")
