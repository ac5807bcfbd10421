from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.sources import read_source
from tests.gnl_core.datasets.sources.making import SQUARE, write_coco, write_image, write_images, write_labelme

DRAWN = [[0] * 6, [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0] * 6]
POLYGON = [[number for corner in SQUARE for number in corner]]
RUNS = {"size": [4, 6], "counts": [5, 2, 2, 2, 2, 2, 9]}


def facts(items: list[Item]) -> list[tuple[str, int, str, bool]]:
    return [(item.path, item.label, item.category, item.mask is not None) for item in items]


def drawn(item: Item) -> list[list[int]]:
    assert item.mask is not None
    return np.asarray(item.mask()).astype(int).tolist()


def test_images_without_a_label_file_or_without_shapes_are_normal(tmp_path: Path):
    write_images(tmp_path, "data/1.png", "data/2.png", "data/3.png", "data/4.png")
    write_labelme(tmp_path / "label/2.json", image="2.png")
    write_labelme(tmp_path / "label/3.json", "pit", image="..\\data\\3.png")
    write_labelme(tmp_path / "label/4.json", "pit", "rust", "ok", image="of-another-name.png")
    write_labelme(tmp_path / "label/5.json", "pit", image="5.png")
    (tmp_path / "label/notes.json").write_text('["other"]')
    kind, contents = read_source(tmp_path, None, [])
    assert kind == "labelme"
    assert facts(contents.images) == [
        ("data/1.png", 0, "good", False),
        ("data/2.png", 0, "good", False),
        ("data/3.png", 1, "pit", True),
        ("data/4.png", 1, "combined", True),
    ]
    assert drawn(contents.images[2]) == DRAWN
    assert [(one.file.name, one.reason) for one in contents.skipped] == [
        ("notes.json", "not a label file of labelme"),
        ("5.json", "label file without an image"),
    ]


def test_shapes_without_an_area_mark_an_anomalous_image_without_a_mask(tmp_path: Path):
    write_image(tmp_path / "1.png")
    write_labelme(tmp_path / "1.json", image="1.png", shapes=[{"label": "pit", "points": SQUARE, "shape_type": "line"}])
    assert facts(read_source(tmp_path, None, [])[1].images) == [("1.png", 1, "pit", False)]


@pytest.mark.parametrize(
    ("other", "words"),
    [({"imageWidth": 7}, "7x4 pixels, but .*1.png has 6x4"), ({"shapes": [{"points": 3}]}, "points")],
)
def test_a_label_file_of_another_image_or_with_damage_is_refused(tmp_path: Path, other: dict[str, object], words: str):
    write_image(tmp_path / "1.png")
    write_labelme(tmp_path / "1.json", "pit", image="1.png", **other)
    with pytest.raises(ValueError, match=words):
        read_source(tmp_path, None, [])


def test_two_label_files_of_an_image_are_refused(tmp_path: Path):
    write_image(tmp_path / "1.png")
    write_labelme(tmp_path / "1.json", "pit", image="1.png")
    write_labelme(tmp_path / "a/1.json", "pit", image="1.png")
    with pytest.raises(ValueError, match="two label files"):
        read_source(tmp_path, None, [])


def test_a_coco_export_has_normal_images_and_areas_of_every_form(tmp_path: Path):
    write_images(tmp_path, "images/1.png", "images/2.png", "images/3.png", "images/4.png", "images/5.png")
    text = {"size": [4, 6], "counts": "5220007"}  # as RUNS; from the fourth on, differences
    write_coco(
        tmp_path / "annotations/a.json",
        {
            "1.png": [],
            "2.png": [("pit", POLYGON)],
            "images/3.png": [("pit", RUNS), ("rust", [])],
            "elsewhere/6.png": [],
        },
    )
    write_coco(tmp_path / "annotations/b.json", {"4.png": [("pit", text)]})
    kind, contents = read_source(tmp_path, None, [])
    assert kind == "coco"
    assert facts(contents.images) == [
        ("images/1.png", 0, "good", False),
        ("images/2.png", 1, "pit", True),
        ("images/3.png", 1, "combined", True),
        ("images/4.png", 1, "pit", True),
    ]
    assert [drawn(item) for item in contents.images[1:]] == [DRAWN] * 3
    assert [one.reason for one in contents.skipped] == ["in no annotation file"]
    assert contents.notes == ["1 listed image is not there, the first: 'elsewhere/6.png'"]


def test_categories_can_mean_normal(tmp_path: Path):
    write_image(tmp_path / "1.png")
    write_coco(tmp_path / "a.json", {"1.png": [("Part", POLYGON)]})
    assert facts(read_source(tmp_path, "coco", ["part"])[1].images) == [("1.png", 0, "good", False)]


def coco_lists(root: Path, layout: str, **splits: dict[str, list[tuple[str, object]]]) -> None:
    """Write images with an annotation file per split, as Roboflow or as COCO itself does."""
    for split, images in splits.items():
        folder = split if layout == "roboflow" else f"{split}2017"
        write_images(root, *(f"{folder}/{name}" for name in images))
        place = f"{split}/_annotations.coco.json" if layout == "roboflow" else f"annotations/instances_{folder}.json"
        write_coco(root / place, images)


@pytest.mark.parametrize("layout", ["roboflow", "coco"])
def test_splits_of_a_coco_export_are_kept_and_annotated_training_images_are_for_testing(tmp_path: Path, layout: str):
    coco_lists(
        tmp_path,
        layout,
        train={"1.png": [], "2.png": [], "3.png": [("pit", POLYGON)]},
        valid={"1.png": []},
        test={"1.png": [("pit", POLYGON)], "4.png": []},
    )
    contents = read_source(tmp_path, None, [])[1]
    years = "" if layout == "roboflow" else "2017"
    assert facts(contents.training) == [(f"train{years}/{n}.png", 0, "good", False) for n in (1, 2)]
    assert facts(contents.images) == [
        (f"test{years}/1.png", 1, "pit", True),
        (f"test{years}/4.png", 0, "good", False),
        (f"train{years}/3.png", 1, "pit", True),
        (f"valid{years}/1.png", 0, "good", False),
    ]
    assert contents.division_notes == [
        "kept the splits of the source: train for training, valid and test for testing",
        "1 image of the training split is annotated, so it is for testing",
    ]


def test_an_image_of_two_splits_is_not_trained_on(tmp_path: Path):
    write_images(tmp_path, "images/1.png", "images/2.png")
    write_coco(tmp_path / "train.json", {"1.png": [], "2.png": []})
    write_coco(tmp_path / "val.json", {"2.png": []})
    contents = read_source(tmp_path, None, [])[1]
    assert [item.path for item in contents.training] == ["images/1.png"]
    assert [item.path for item in contents.images] == ["images/2.png"]


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"train": {"1.png": []}}, None),
        ({"train": {"1.png": []}, "other": {"2.png": []}}, "some annotation files name a split, others do not"),
        ({"train": {"1.png": [("pit", [])]}, "test": {"2.png": []}}, "the training split has no normal image"),
        ({"train": {"1.png": []}, "test": {"2.png": [("pit", [])]}}, "the source has no normal test images"),
    ],
)
def test_splits_that_cannot_be_kept_leave_all_images_to_divide(tmp_path: Path, splits: dict, words: str | None):
    coco_lists(tmp_path, "roboflow", **splits)
    contents = read_source(tmp_path, None, [])[1]
    assert (contents.training, len(contents.images)) == ([], len(splits))
    assert [note[: len(words or "")] for note in contents.notes] == ([words] if words else [])


@pytest.mark.parametrize(
    ("segmentation", "other", "words"),
    [
        ({"size": [4, 6], "counts": [30]}, {}, "runs of 30 pixels, but its mask has 6x4"),
        ({"size": [4, 6], "counts": "~"}, {}, "not one of COCO's"),
        ({"size": [40, 60], "counts": [2400]}, {}, "60x40 pixels instead of 6x4"),
        ([], {"images": [{"id": 0, "file_name": "1.png", "width": 60, "height": 40}]}, "60x40 pixels, but it has 6x4"),
        (3, {}, "cannot be read"),
    ],
)
def test_an_export_that_lies_about_sizes_is_refused(tmp_path: Path, segmentation: object, other: dict, words: str):
    write_image(tmp_path / "1.png")
    write_coco(tmp_path / "a.json", {"1.png": [("pit", segmentation)]}, **other)
    with pytest.raises(ValueError, match=words):
        read_source(tmp_path, None, [])


def test_folders_for_training_and_test_keep_their_division_and_domains(tmp_path: Path):
    write_images(
        tmp_path,
        "train/OK/1.png",
        "test/lamp/OK/2.png",
        "test/lamp/rust/3.png",
        "test/sun/ok/4.png",
        "test/sun/rust/5.png",
    )
    kind, contents = read_source(tmp_path, None, [])
    assert kind == "folder"
    assert facts(contents.training) == [("train/OK/1.png", 0, "good", False)]
    assert [(item.path, item.domain) for item in contents.images] == [
        ("test/lamp/OK/2.png", "lamp"),
        ("test/lamp/rust/3.png", "lamp"),
        ("test/sun/ok/4.png", "sun"),
        ("test/sun/rust/5.png", "sun"),
    ]
    assert contents.in_distribution == "lamp"


def test_a_source_without_normal_test_images_is_to_divide(tmp_path: Path):
    write_images(tmp_path, "train/good/1.png", "train/good/2.png", "test/hole/3.png", "ground_truth/hole/3_mask.png")
    contents = read_source(tmp_path, None, [])[1]
    assert contents.training == []
    assert facts(contents.images) == [
        ("train/good/1.png", 0, "good", False),
        ("train/good/2.png", 0, "good", False),
        ("test/hole/3.png", 1, "hole", True),
    ]
    assert contents.notes == [
        "the source has no normal test images, so a share of its normal training images is kept for testing "
        "(--test-percent)"
    ]


def test_only_the_domain_to_train_on_gets_normal_training_images(tmp_path: Path):
    write_images(tmp_path, "train/1.png", "test/lamp/hole/2.png", "test/sun/good/3.png", "test/sun/hole/4.png")
    contents = read_source(tmp_path, None, [])[1]
    assert [(item.path, item.domain) for item in contents.images] == [
        ("train/1.png", "lamp"),
        ("test/lamp/hole/2.png", "lamp"),
        ("test/sun/good/3.png", "sun"),
        ("test/sun/hole/4.png", "sun"),
    ]


def test_names_that_the_user_gives_are_normal_in_folders_for_training_and_test(tmp_path: Path):
    write_images(tmp_path, "train/intact/1.png", "test/intact/2.png", "test/hole/3.png")
    contents = read_source(tmp_path, None, ["intact"])[1]
    assert facts(contents.training) == [("train/intact/1.png", 0, "good", False)]
    assert facts(contents.images) == [("test/hole/3.png", 1, "hole", False), ("test/intact/2.png", 0, "good", False)]


def test_normal_images_beside_a_test_folder_are_for_training(tmp_path: Path):
    write_images(tmp_path, "normal/1.png", "test/good/2.png", "test/hole/3.png")
    contents = read_source(tmp_path, None, [])[1]
    assert facts(contents.training) == [("normal/1.png", 0, "good", False)]
    assert facts(contents.images) == [("test/good/2.png", 0, "good", False), ("test/hole/3.png", 1, "hole", False)]


def test_folders_of_defects_beside_good_ones_are_read_as_anomalib_does(tmp_path: Path):
    write_images(
        tmp_path,
        "good/1.png",
        "good/part_2/2.png",
        "crack/3.png",
        "hole/4.png",
        "mask/crack/3.png",
        "mask/hole/4_mask.png",
    )
    (tmp_path / "good/Thumbs.db").write_bytes(b"")
    contents = read_source(tmp_path, None, [])[1]
    assert contents.training == []
    assert facts(contents.images) == [
        ("crack/3.png", 1, "crack", True),
        ("good/1.png", 0, "good", False),
        ("good/part_2/2.png", 0, "good", False),
        ("hole/4.png", 1, "hole", True),
    ]
    assert [one.file.name for one in contents.skipped] == ["Thumbs.db"]


def test_a_folder_of_normal_images_to_score_makes_the_others_training_images(tmp_path: Path):
    write_images(tmp_path, "normal/1.png", "normal_test/2.png", "abnormal/3.png")
    contents = read_source(tmp_path, None, [])[1]
    assert facts(contents.training) == [("normal/1.png", 0, "good", False)]
    assert facts(contents.images) == [("abnormal/3.png", 1, "abnormal", False), ("normal_test/2.png", 0, "good", False)]


def test_a_folder_is_normal_by_a_name_that_the_user_gives(tmp_path: Path):
    write_images(tmp_path, "intact/1.png", "rust/2.png")
    assert read_source(tmp_path, None, [])[0] == "photographs"
    assert facts(read_source(tmp_path, None, ["Intact"])[1].images) == [
        ("intact/1.png", 0, "good", False),
        ("rust/2.png", 1, "rust", False),
    ]


def test_photographs_without_a_layout_are_unlabelled(tmp_path: Path):
    write_images(tmp_path, "monday/1.png", "2.png", "2_mask.png")
    (tmp_path / "again").symlink_to(tmp_path)
    kind, contents = read_source(tmp_path, None, [])
    assert kind == "photographs"
    assert facts(contents.images) == [("2.png", -1, "unlabelled", False), ("monday/1.png", -1, "unlabelled", False)]
    assert {one.reason for one in contents.skipped} == {"link to a folder", "named as a mask of an image beside it"}


def test_what_cannot_be_recognised_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no folder"):
        read_source(tmp_path / "missing", None, [])
    with pytest.raises(ValueError, match="no images in"):
        read_source(tmp_path, None, [])
    write_image(tmp_path / "bottle/train/good/1.png")
    write_image(tmp_path / "bottle/test/good/1.png")
    with pytest.raises(ValueError, match="labelled folders of its own, bottle"):
        read_source(tmp_path, None, [])
    write_labelme(tmp_path / "1.json", image="1.png")
    write_coco(tmp_path / "2.json", {})
    with pytest.raises(ValueError, match="--from labelme or --from coco"):
        read_source(tmp_path, None, [])


def test_damaged_json_does_not_decide_what_a_source_is(tmp_path: Path):
    write_image(tmp_path / "1.png")
    (tmp_path / "1.json").write_bytes(b"\xff\xfe")
    (tmp_path / "2.json").write_text(json.dumps({"a": [[]]}))
    assert read_source(tmp_path, None, [])[0] == "photographs"
