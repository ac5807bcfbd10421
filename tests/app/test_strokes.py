"""Strokes of a brush, and the search for the smallest one that raises an alarm."""

import numpy as np
import pytest

from app.strokes import Search, Stroke, draw_stroke, read_stroke, search_smallest, size_range

SENT = {"shape": "dot", "column": 5, "row": 4, "colour": "#0a0b0c", "width": 1}


def blank(height: int = 12, width: int = 16) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def stroke(**changed: object) -> Stroke:
    return Stroke.model_validate(SENT | changed)


def drawn(size: int, **changed: object) -> np.ndarray:
    """Which pixels of a blank image a stroke colours."""
    return draw_stroke(blank(), stroke(**changed), size=size).any(axis=2)


def extent(mask: np.ndarray) -> tuple[int, int]:
    """Rows and columns between the outermost marked pixels."""
    rows, columns = np.nonzero(mask)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_a_dot_is_as_wide_and_high_as_its_diameter(size):
    mask = drawn(size)
    assert mask[4, 5]
    assert extent(mask) == (size, size)


def test_a_dot_of_one_pixel_is_its_place_in_its_colour():
    image = draw_stroke(blank(), stroke(), size=1)
    assert image[4, 5].tolist() == [10, 11, 12]
    assert image.any(axis=2).sum() == 1


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("length", [3, 4, 9])
def test_a_line_has_its_length_and_width(width, length):
    assert extent(drawn(length, shape="horizontal line", width=width)) == (width, length)
    assert extent(drawn(length, shape="vertical line", width=width)) == (length, width)


@pytest.mark.parametrize("column", [0, 1, 8, 15])
@pytest.mark.parametrize("length", [2, 9, 16])
def test_a_line_passes_through_its_place_and_stays_in_the_image(column, length):
    mask = drawn(length, shape="horizontal line", column=column)
    assert mask[4, column]
    assert mask.sum() == length


def test_the_largest_stroke_fits_the_image():
    assert size_range(stroke(), blank()) == (1, 12)
    assert size_range(stroke(shape="horizontal line", width=3), blank()) == (3, 16)
    assert size_range(stroke(shape="vertical line", width=3), blank()) == (3, 12)


@pytest.mark.parametrize("first", range(1, 41))
def test_the_smallest_size_is_found_if_the_score_grows(first):
    asked = []
    found = search_smallest(lambda size: asked.append(size) or float(size), least=1, most=40, threshold=first - 0.5)
    assert found.smallest == first
    assert sorted(asked) == list(found.tried)  # each size once
    assert len(asked) <= 12


def test_a_search_without_an_alarm_tries_the_largest_size_and_says_so():
    found = search_smallest(lambda size: 0.1 * size, least=3, most=40, threshold=9.0)
    assert found.smallest is None
    assert list(found.tried) == [3, 6, 12, 24, 40]


def test_a_score_that_equals_the_threshold_raises_no_alarm():
    assert search_smallest(lambda _: 1.0, least=1, most=4, threshold=1.0).smallest is None


def test_a_score_that_falls_again_may_hide_a_smaller_stroke():
    found = search_smallest(lambda size: float(size in (3, 8)), least=1, most=16, threshold=0.5)
    assert found.smallest == 8  # 3 was not tried
    assert 3 not in found.tried


def test_the_smallest_of_all_tried_sizes_counts():
    assert Search({1: 0.0, 2: 2.0, 3: 0.5, 4: 3.0}, threshold=1.0).smallest == 2


def test_what_the_painter_sends_is_read():
    assert read_stroke(SENT, blank()) == stroke()


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": "circle"},
        {"column": -1},
        {"column": 16},
        {"row": 12},
        {"row": 1.5},
        {"colour": "red"},
        {"colour": "#12345g"},
        {"width": 0},
        {"width": 13},
        {"width": None},
        {"more": 1},
    ],
)
def test_another_stroke_is_refused_in_one_sentence(changed):
    with pytest.raises(ValueError, match=r"^the stroke is ") as refused:
        read_stroke(SENT | changed, blank())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("sent", [None, "dot", [1, 2, 3], {}])
def test_anything_else_than_a_stroke_is_refused(sent):
    with pytest.raises(ValueError, match="not as the painter sends it"):
        read_stroke(sent, blank())
