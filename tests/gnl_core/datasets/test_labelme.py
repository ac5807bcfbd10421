from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.labelme import Shape, draw_shapes, read_mask_of_polygons
from gnl_core.files import UnreadableFileError

SQUARE = {"label": "pit", "points": [[1, 1], [3, 1], [3.0, 2], [1, 2]], "shape_type": "polygon"}


def write_labels(path: Path, shapes: list[object], **other: object) -> Path:
    fields = {"version": "5.0", "shapes": shapes, "imageHeight": 4, "imageWidth": 6, "imageData": None} | other
    path.write_text(json.dumps(fields))
    return path


def test_polygons_are_filled_with_their_outlines(tmp_path: Path):
    mask = read_mask_of_polygons(write_labels(tmp_path / "a.json", [SQUARE]))
    expected = np.zeros((4, 6), bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("change", [{"shape_type": "line"}, {"points": [[1, 1], [3, 1]]}])
def test_what_encloses_no_area_is_left_out(tmp_path: Path, change: dict[str, object]):
    assert not read_mask_of_polygons(write_labels(tmp_path / "a.json", [SQUARE | change])).any()


def test_polygons_of_early_versions_need_no_kind(tmp_path: Path):
    shape = {"points": SQUARE["points"]}
    assert read_mask_of_polygons(write_labels(tmp_path / "a.json", [shape])).sum() == 6


@pytest.mark.parametrize(
    ("shapes", "other", "words"),
    [
        ([{"points": "all"}], {}, "points"),
        ([{"points": [[1, "2"], [2, 2], [3, 3]]}], {}, "points"),
        ([SQUARE], {"imageHeight": "4"}, "imageHeight"),
        ([SQUARE], {"imageHeight": -4}, "imageHeight"),
        ([SQUARE], {"imageWidth": 10**9}, "imageWidth"),
    ],
)
def test_a_damaged_label_file_is_refused_in_a_sentence(
    tmp_path: Path, shapes: list[object], other: dict[str, object], words: str
):
    path = write_labels(tmp_path / "a.json", shapes, **other)
    with pytest.raises(UnreadableFileError, match=rf"a\.json cannot be read: .*{words}.*save it again with labelme"):
        read_mask_of_polygons(path)


def draw(**fields: object) -> list[list[int]]:
    return draw_shapes([Shape.model_validate(fields)], height=5, width=6).astype(int).tolist()


def png(mask: list[list[int]]) -> str:
    stream = BytesIO()
    PIL.Image.fromarray(np.array(mask, np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_a_rectangle_is_drawn_between_any_two_opposite_corners():
    expected = [[0] * 6, [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0] * 6, [0] * 6]
    assert draw(shape_type="rectangle", points=[(1.0, 1.0), (3.0, 2.0)]) == expected
    assert draw(shape_type="rectangle", points=[(3.0, 1.0), (1.0, 2.0)]) == expected


def test_a_circle_is_drawn_around_its_centre():
    expected = [[0] * 6, [0, 0, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 1, 0, 0, 0], [0] * 6]
    assert draw(shape_type="circle", points=[(2.0, 2.0), (2.0, 3.0)]) == expected


def test_the_picture_of_a_mask_is_placed_at_its_corner():
    expected = [[0] * 6, [0] * 6, [0, 0, 0, 0, 1, 0], [0, 0, 0, 1, 1, 0], [0] * 6]
    assert draw(shape_type="mask", points=[(3.0, 2.0), (4.0, 3.0)], mask=png([[0, 1], [1, 1]])) == expected


@pytest.mark.parametrize("text", ["", "!", base64.b64encode(b"no picture").decode(), png([[1] * 7])])
def test_a_damaged_or_too_large_picture_of_a_mask_is_refused(text: str):
    with pytest.raises(UnreadableFileError, match="save it again with labelme"):
        draw(shape_type="mask", points=[(0.0, 0.0)], mask=text)


def test_a_label_file_of_a_huge_image_is_refused_before_a_mask_is_drawn(tmp_path: Path):
    path = write_labels(tmp_path / "a.json", [SQUARE], imageHeight=2**16, imageWidth=2**16)
    with pytest.raises(UnreadableFileError, match="at most 50 megapixels"):
        read_mask_of_polygons(path)
