from __future__ import annotations

import json
from pathlib import Path

import pytest

from gnl_core.datasets.coco import Annotation, RunLengthCode, draw_annotations, has_area, read_annotations
from gnl_core.files import UnreadableFileError

POLYGONS = Annotation(image_id=1, category_id=1, segmentation=[[1.0, 1.0, 3.0, 1.0, 3.0, 2.0, 1.0, 2.0]])
RUNS = Annotation(image_id=1, category_id=1, segmentation=RunLengthCode(size=(4, 6), counts=[20, 4]))
BOX = Annotation(image_id=1, category_id=1, segmentation=[])


def write(path: Path, **other: object) -> Path:
    fields = {
        "images": [{"id": 1, "file_name": "a.png", "height": 4, "width": 6}],
        "categories": [{"id": 1, "name": "pit"}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": [], "bbox": [0, 0, 1, 1], "iscrowd": 0}],
    }
    path.write_text(json.dumps(fields | other))
    return path


def test_the_mask_of_an_image_has_the_areas_of_all_its_annotations():
    rows = ["......", ".###..", ".###..", "......"]
    expected = [[character == "#" or column == 5 for column, character in enumerate(row)] for row in rows]
    assert draw_annotations([POLYGONS, RUNS, BOX], height=4, width=6).tolist() == expected
    assert [has_area(one) for one in (POLYGONS, RUNS, BOX)] == [True, True, False]


def test_a_code_of_another_size_is_refused():
    with pytest.raises(UnreadableFileError, match="of an image of 6x4 pixels instead of 4x6"):
        draw_annotations([RUNS], height=6, width=4)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"annotations": [{"image_id": 2, "category_id": 1}]}, "an annotation of image 2, which it does not list"),
        ({"categories": []}, "an annotation of category 1, which it does not list"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "two of category with the same id"),
        ({"images": [{"id": 1, "file_name": "a.png", "height": 10**9, "width": 1}]}, "height"),
        (
            {"annotations": [{"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 1e300, 0, 1, 1]]}]},
            "segmentation",
        ),
        (
            {"annotations": [{"image_id": 1, "category_id": 1, "segmentation": {"size": [4, 6], "counts": [-1]}}]},
            "segmentation",
        ),
    ],
)
def test_a_damaged_annotation_file_is_refused_in_a_sentence(tmp_path: Path, other: dict[str, object], words: str):
    with pytest.raises(UnreadableFileError, match=rf"a\.json .*{words}.*export it again"):
        read_annotations(write(tmp_path / "a.json", **other))


def test_annotations_are_read(tmp_path: Path):
    content = read_annotations(write(tmp_path / "a.json"))
    assert [(one.file_name, one.id) for one in content.images] == [("a.png", 1)]
    assert [one.name for one in content.categories] == ["pit"]
    assert len(content.annotations) == 1
