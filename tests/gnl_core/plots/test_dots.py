from __future__ import annotations

import pytest

from gnl_core.plots.dots import REACH, Dot, DotRow, dot_rows
from gnl_core.plots.style import ACCENT, GREY

TWO = (Dot(60.0, (55.0, 64.0), 0.0), Dot(70.0, None, 1.0))
ROWS = [DotRow("a", (TWO, TWO[:1]), (65.0, None)), DotRow("b", (TWO[:1], ()), (None, None))]


def traces(name: str) -> list:
    figure = dot_rows(ROWS, ["left", "right"], references=[60.0, None])
    return [trace for trace in figure.data if trace.name == name]


def test_each_dot_is_at_its_value_in_its_methods_row():
    left, right = traces("without matching")
    assert (list(left.x), list(left.y)) == ([60.0, 60.0], [-REACH, 1 - REACH])
    assert (list(right.x), list(right.y)) == ([60.0], [-REACH])
    matched, none = traces("α = 1")
    assert (list(matched.x), list(matched.y), list(none.x)) == ([70.0], [REACH], [])


def test_interval_bars_have_the_intervals_length():
    left, _ = traces("without matching")
    assert (list(left.error_x.array), list(left.error_x.arrayminus)) == ([4.0, 4.0], [5.0, 5.0])
    matched, _ = traces("α = 1")
    assert list(matched.error_x.array) == [0.0]


def test_colour_marks_matching_and_hollow_dots_are_published():
    assert [trace.marker.color for trace in traces("without matching")] == [GREY] * 2
    assert [trace.marker.color for trace in traces("α = 1")] == [ACCENT] * 2
    left, right = traces("published")
    assert (list(left.x), list(left.y), list(right.x)) == ([65.0], [0], [])
    assert left.marker.symbol == "diamond-open"


def test_the_first_method_is_on_top_and_the_reference_is_a_line_in_its_panel():
    figure = dot_rows(ROWS, ["left", "right"], references=[60.0, None])
    top_to_bottom = figure.layout.yaxis.range
    assert top_to_bottom[0] > top_to_bottom[1]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1, line.xref) == (60.0, 60.0, "x")


def test_one_strength_alone_lies_in_the_middle_of_its_row():
    figure = dot_rows([DotRow("a", (TWO[:1],), (None,))], ["left"], references=[None])
    assert [list(trace.y) for trace in figure.data if len(trace.x)] == [[pytest.approx(0)]]


def test_names_of_methods_are_texts():
    named = [row._replace(name="<a href='https://a.b'>c</a>") for row in ROWS]
    figure = dot_rows(named, ["left", "right"], references=[None, None])
    assert set(figure.layout.yaxis.ticktext) == {"&lt;a href=&#x27;https://a.b&#x27;&gt;c&lt;/a&gt;"}
    assert "<a" not in figure.to_json()
