"""Data sets in MVTec AD's layout under other names; test_mvtec.py tests what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.datasets import list_items, list_train_items
from tests.gnl_core.datasets.trees import MARKED_PIXELS, TREES

CASES = [  # data set, category, folders of its training images, kinds of test images in the order of their folders
    ("mvtec", "bottle", "train/good", ["hole", "scratch", "good"]),
    ("btad", "01", "train/ok", ["ko", "good"]),
    ("mpdd", "bracket_black", "train/good", ["hole", "scratches", "good"]),
]


@pytest.mark.parametrize(("name", "category", "training", "kinds"), CASES)
def test_images_defects_and_masks_are_listed(tmp_path: Path, name: str, category: str, training: str, kinds: list[str]):
    TREES[name](tmp_path)
    trained = list_train_items(name, normal_class=category, root=tmp_path)
    assert {(item.path.rpartition("/")[0], item.label, item.domain) for item in trained} == {
        (f"{name}/{category}/{training}", 0, name)
    }
    tested = list_items(name, normal_class=category, domain=name, root=tmp_path)
    assert {(item.category, item.label) for item in tested} == {(kind, int(kind != "good")) for kind in kinds}
    assert {item.mask().sum() for item in tested if item.label} == {MARKED_PIXELS}
    assert {item.mask for item in tested if not item.label} == {None}


@pytest.mark.parametrize(
    ("name", "category", "folder"),
    [
        ("mvtec", "bottle", "mvtec_anomaly_detection"),
        ("mvtec", "bottle", "MVTec"),
        ("btad", "01", "btad/BTech_Dataset_transformed"),
        ("btad", "01", "BTech_Dataset_transformed"),
        ("mpdd", "bracket_black", "MPDD"),
    ],
)
def test_the_folders_that_people_have_are_found(tmp_path: Path, name: str, category: str, folder: str):
    TREES[name](tmp_path / "made")
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    next((tmp_path / "made").rglob(category)).parent.rename(tmp_path / folder)
    (item, *_) = list_train_items(name, normal_class=category, root=tmp_path)
    assert item.path.startswith(f"{name}/{category}/train/")
