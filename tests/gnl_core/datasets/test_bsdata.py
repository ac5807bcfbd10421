from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.bsdata import BSDATA, CLASS

SIZE = (50, 20)  # two squares, at 0 and at 30
TRAINING_PLACE, TEST_PLACE = "277500_315", "305000_090"


def photograph(root: Path, name: str, *, pitting: Sequence[tuple[int, int, int, int]] = ()) -> None:
    """Write a photograph whose grey values grow by column, with boxes of pitting (left, top, right, bottom)."""
    for folder in ("data", "label"):
        (root / "bsdata" / folder).mkdir(parents=True, exist_ok=True)
    columns = np.broadcast_to(np.arange(SIZE[0], dtype=np.uint8), (SIZE[1], SIZE[0]))
    PIL.Image.fromarray(columns).save(root / "bsdata/data" / f"{name}.png")
    if pitting:
        shapes = [{"points": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]} for x0, y0, x1, y1 in pitting]
        fields = {"shapes": shapes, "imageHeight": SIZE[1], "imageWidth": SIZE[0]}
        (root / "bsdata/label" / f"{name}.json").write_text(json.dumps(fields))


def name_of(place: str, day: str, *, crop: int = 2) -> str:
    return f"01_{day}110014_{place}_crop_{crop}"


@pytest.fixture
def screws(tmp_path: Path) -> Path:
    photograph(tmp_path, name_of(TRAINING_PLACE, "200828"))
    photograph(tmp_path, name_of(TRAINING_PLACE, "200902"))
    photograph(tmp_path, name_of(TEST_PLACE, "200828"))
    photograph(tmp_path, name_of(TEST_PLACE, "200905"), pitting=[(32, 5, 40, 10)])
    photograph(tmp_path, name_of(TEST_PLACE, "200907", crop=1), pitting=[(0, 0, 10, 10)])
    photograph(tmp_path, "KGT1-S-060-A02_crop_0", pitting=[(5, 5, 9, 9)])
    photograph(tmp_path, "another")
    return tmp_path


def facts(items: list[Item]) -> list[tuple[str, int, str]]:
    return [(item.path.removeprefix("bsdata/"), item.label, item.domain) for item in items]


def test_a_run_trains_on_the_training_places_before_the_first_pitting(screws: Path):
    name = name_of(TRAINING_PLACE, "200828")
    assert facts(BSDATA.train_items(screws, CLASS)) == [(f"{name}/0", 0, "bsdata"), (f"{name}/1", 0, "bsdata")]


def test_a_domain_has_the_squares_of_its_days_or_machine(screws: Path):
    early, pitted = name_of(TEST_PLACE, "200828"), name_of(TEST_PLACE, "200905")
    assert facts(BSDATA.test_items(screws, CLASS, "bsdata")) == [
        (f"{early}/0", 0, "bsdata"),
        (f"{early}/1", 0, "bsdata"),
        (f"{pitted}/0", 0, "bsdata"),
        (f"{pitted}/1", 1, "bsdata"),
    ]
    worn = name_of(TEST_PLACE, "200907", crop=1)
    expected = [(f"{worn}/0", 1, "bsdata_worn"), (f"{worn}/1", 0, "bsdata_worn")]
    assert facts(BSDATA.test_items(screws, CLASS, "bsdata_worn")) == expected
    expected = [("KGT1-S-060-A02_crop_0/0", 1, "bsdata_type_1"), ("KGT1-S-060-A02_crop_0/1", 0, "bsdata_type_1")]
    assert facts(BSDATA.test_items(screws, CLASS, "bsdata_type_1")) == expected


def test_a_square_and_its_mask_are_cut_from_the_same_columns(screws: Path):
    item = BSDATA.test_items(screws, CLASS, "bsdata")[-1]
    assert item.read().shape == (20, 20, 3)
    np.testing.assert_array_equal(item.read()[0, :, 0], np.arange(30, 50))
    mask = item.mask()
    assert mask.shape == (20, 20)
    assert (mask[5:11, 2:11].all(), mask.sum()) == (True, 6 * 9)
    assert item.category == "pitting"


def test_a_square_with_pitting_just_beside_it_is_left_out(tmp_path: Path):
    photograph(tmp_path, "KGT1-a", pitting=[(21, 5, 22, 6)])  # right of the first square by one pixel
    photograph(tmp_path, "KGT1-b", pitting=[(23, 5, 24, 6)])  # beyond its margin of two pixels
    items = BSDATA.test_items(tmp_path, CLASS, "bsdata_type_1")
    assert [item.path for item in items] == ["bsdata/KGT1-a/1", "bsdata/KGT1-b/0", "bsdata/KGT1-b/1"]


def test_no_place_is_both_trained_on_and_tested(screws: Path):
    training = {item.path.split("_crop")[0][-10:] for item in BSDATA.train_items(screws, CLASS)}
    testing = {item.path.split("_crop")[0][-10:] for item in BSDATA.test_items(screws, CLASS, "bsdata")}
    assert (training, testing) == ({TRAINING_PLACE}, {TEST_PLACE})


def test_outlines_of_another_size_are_refused(screws: Path):
    path = screws / "bsdata/label" / f"{name_of(TEST_PLACE, '200905')}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"imageWidth": 100}))
    with pytest.raises(ValueError, match=r"outlines pitting on 100x20 pixels, but .* has 50x20; restore both files"):
        BSDATA.test_items(screws, CLASS, "bsdata")


def test_missing_photographs_are_named(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no folder .*bsdata/data; expected bsdata/data/\*\.jpg"):
        BSDATA.train_items(tmp_path, CLASS)
    photograph(tmp_path, "KGT1-a")
    with pytest.raises(ValueError, match="no photographs of type 2 from before"):
        BSDATA.train_items(tmp_path, CLASS)
    with pytest.raises(ValueError, match="no photographs of the domain bsdata_worn"):
        BSDATA.test_items(tmp_path, CLASS, "bsdata_worn")
