from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.visa import LIST, VISA
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_images, write_masks, write_visa

LIST_PATH = f"visa/{LIST}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_visa(tmp_path)
    return tmp_path


def trained(root: Path) -> list[Item]:
    return VISA.train_items(root, "candle")


def scored(root: Path) -> list[Item]:
    return VISA.test_items(root, "candle", "visa")


def facts(items: list[Item]) -> list[tuple[str, int, str, int]]:
    return [(item.path, item.label, item.category, int(item.mask().sum()) if item.mask else 0) for item in items]


def replace_in_list(root: Path, old: str, new: str) -> None:
    path = root / LIST_PATH
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_the_authors_list_divides_the_images_and_class_indices_mark_defects(root: Path):
    assert [item.path for item in trained(root)] == [f"visa/candle/train/good/{n:04}.JPG" for n in range(4)]
    assert facts(scored(root)) == [
        *((f"visa/candle/test/good/{n:04}.JPG", 0, "good", 0) for n in (4, 5)),
        *((f"visa/candle/test/bad/{n:03}.JPG", 1, "bad", MARKED_PIXELS) for n in (0, 1)),
    ]
    assert VISA.lists(root) == (root / LIST_PATH,)


@pytest.mark.parametrize("folder", ["visa", "visa/1cls", "VisA_pytorch/1cls"])
def test_the_layout_of_the_authors_script_has_the_same_names(root: Path, folder: str):
    published = sorted(facts([*trained(root), *scored(root)]))
    shutil.rmtree(root / "visa")
    candle = root / folder / "candle"
    write_images(candle, *(f"train/good/{n:04}.JPG" for n in range(4)), "test/good/0004.JPG", "test/good/0005.JPG")
    write_images(candle, "test/bad/000.JPG", "test/bad/001.JPG")
    write_masks(candle, "ground_truth/bad/000.png", "ground_truth/bad/001.png")
    assert sorted(facts([*trained(root), *scored(root)])) == published
    assert VISA.lists(root) == ()


def test_an_object_without_its_folder_is_missing(root: Path):
    with pytest.raises(ValueError, match=r"^no images of cashew in .*visa; expected VisA as published, with its list"):
        VISA.train_items(root, "cashew")


def test_without_list_and_other_layout_the_message_names_what_is_expected(root: Path):
    (root / LIST_PATH).unlink()
    with pytest.raises(ValueError, match=r"no folder .*visa/candle/train/good; expected visa/<category>/train/good"):
        trained(root)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0001.JPG", "9999.JPG", r"row 4 of .*1cls\.csv names '.*9999\.JPG', but there is no file .*; add the file"),
        (
            "candle/Data/Images/Normal/0001.JPG",
            "../0001.JPG",
            r"row 4 .* names '\.\./0001\.JPG'; expected a path below",
        ),
        (
            "candle/Data/Images/Normal/0001.JPG",
            "/etc/0001.JPG",
            "row 4 .* names '/etc/0001.JPG'; expected a path below",
        ),
        (
            "candle/Data/Images/Normal/0001.JPG",
            "a.txt",
            r"row 4 .* names 'a\.txt'; expected a PNG, JPEG, .* by its ending",
        ),
        ("candle,train,normal", "candle,learn,normal", r"row 3 of .* cannot be read: split = 'learn': Input should be"),
        ("candle,train,normal", "candle,train,anomaly", r"row 3 of .*1cls\.csv is an anomaly to train on; correct it"),
        ("object,split", "thing,split", r"1cls\.csv has no column 'object' but 'thing', 'split'"),
    ],
)
def test_an_unusable_row_is_named(root: Path, old: str, new: str, words: str):
    replace_in_list(root, old, new)
    with pytest.raises(ValueError, match=words):
        trained(root)


def test_a_link_out_of_the_data_root_is_refused(root: Path, tmp_path: Path):
    image = root / "visa/candle/Data/Images/Normal/0001.JPG"
    image.rename(tmp_path.parent / f"{tmp_path.name}.JPG")
    image.symlink_to(tmp_path.parent / f"{tmp_path.name}.JPG")
    with pytest.raises(ValueError, match=r"0001\.JPG leads out of .* through a symlink"):
        trained(root)


def test_a_list_without_anomalies_is_refused(root: Path):
    replace_in_list(root, "candle,test,anomaly", "candle,train,anomaly")
    with pytest.raises(ValueError, match=r"no anomalies in .*1cls\.csv"):
        scored(root)
