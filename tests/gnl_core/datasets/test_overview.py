from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.overview import describe_overview, look_over


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four normal images to train on, two normal and two anomalous ones to score; no two are equal."""
    names = [
        *(f"train/good/{number}" for number in range(4)),
        "test/good/4",
        "test/good/5",
        "test/hole/6",
        "test/hole/7",
    ]
    for number, name in enumerate(names):
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((8, 8), 30 * number, np.uint8)).save(file)
    return tmp_path


def line(root: Path) -> str:
    return describe_overview(look_over("folder", normal_class="good", root=root), root)


def test_a_sound_folder_gives_the_number_and_location_of_training_images(folder: Path):
    assert line(folder) == "4 images from train/good"


def test_skipped_files_and_test_images_equal_to_training_images_are_counted(folder: Path):
    shutil.copy(folder / "train/good/0.png", folder / "test/good/copy.png")
    shutil.copy(folder / "train/good/1.png", folder / "test/good/other.png")
    (folder / "test/good/a.gif").write_text("x")
    (folder / "test/good/b.gif").write_text("x")
    assert look_over("folder", normal_class="good", root=folder).equal == {"test": 2}
    assert line(folder) == (
        "4 images from train/good; skipped 2 files, first: test/good/a.gif (not an image file by its suffix); "
        "2 test images equal a training image"
    )


def test_computed_images_are_only_counted():
    overview = look_over("digits", normal_class="4", root=None)
    assert (overview.training, overview.passed_over, overview.equal) == (107, [], {})
    assert describe_overview(overview, None) == "107 images"


def test_training_images_of_other_classes_are_not_skipped(tmp_path: Path):
    for split, name in (("train", "cat"), ("train", "dog"), ("test", "cat"), ("test", "dog")):
        file = tmp_path / "cifar10" / split / name / "1.png"
        file.parent.mkdir(parents=True)
        PIL.Image.new("RGB", (8, 8), f"#{len(split)}{len(name)}{ord(name[0]):04x}").save(file)
    (tmp_path / "cifar10" / "train" / "cat" / "broken.txt").write_text("x")
    overview = look_over("cifar10", normal_class="dog", root=tmp_path)
    assert [passed.file.name for passed in overview.passed_over] == ["broken.txt"]
    assert overview.sources == ["cifar10/train/dog"]


def test_without_training_images_the_reason_is_raised(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no folder .*pacs"):
        look_over("pacs", normal_class="dog", root=tmp_path)
