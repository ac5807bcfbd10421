import pytest

from gnl_core.plots.severity import Curve, severity_curves, spread
from gnl_core.plots.style import ACCENT, GREY

OFF = Curve("A", 0, matched=False, values={0: 1.0, 1: 0.9, 2: 0.7}, bounds={0: (0.95, 1.0), 2: (0.6, 0.8)})
ON = Curve("A + FDM", 0, matched=True, values={0: 1.0, 2: 0.8}, bounds={})
OTHER = Curve("B", 1, matched=False, values={0: 0.99}, bounds={})
SHIFT = Curve("A", 0, matched=False, values={0: 0.4, 1: 2.0, 2: 3.0}, bounds={})


def test_colour_marks_matching_and_the_line_style_marks_the_method():
    off, on, other = severity_curves([OFF, ON, OTHER], [], strongest=2).data
    assert [trace.line.color for trace in (off, on, other)] == [GREY, ACCENT, GREY]
    assert off.line.dash == on.line.dash != other.line.dash
    assert off.marker.symbol == on.marker.symbol != other.marker.symbol


def test_a_bar_reaches_from_one_end_of_the_interval_to_the_other():
    (trace,) = severity_curves([OFF], [], strongest=2).data
    assert list(trace.error_y.arrayminus) == pytest.approx([0.05, 0.0, 0.1])
    assert list(trace.error_y.array) == pytest.approx([0.0, 0.0, 0.1])


def test_the_shift_score_is_below_on_the_same_severities():
    figure = severity_curves([OFF], [SHIFT], strongest=2)
    assert [trace.yaxis for trace in figure.data] == ["y", "y2"]
    assert figure.layout.xaxis.matches == "x2"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.xaxis2.range[0] < 0
    assert figure.layout.xaxis2.range[1] > 2


def test_without_labels_the_figure_has_only_the_shift_score():
    figure = severity_curves([], [SHIFT], strongest=2)
    assert [trace.yaxis for trace in figure.data] == ["y"]
    assert figure.layout.yaxis.title.text == "shift score"


def test_every_value_and_interval_lies_within_the_axis():
    low, high = severity_curves([OFF, ON], [], strongest=2).layout.yaxis.range
    assert low < 0.6
    assert high > 1.0


def test_a_line_has_its_label_beside_its_last_point():
    label, *_ = severity_curves([OFF, OTHER], [], strongest=2).layout.annotations
    assert (label.text, label.y) == ("A", 0.7)
    assert label.x == pytest.approx(2.1)


def test_labels_that_are_far_enough_apart_do_not_move():
    assert spread([3.0, 1.0, 2.0], gap=1.0) == [3.0, 1.0, 2.0]


def test_labels_that_are_too_close_move_apart_around_their_middle():
    assert spread([0.5, 0.5, 5.0], gap=1.0) == [0.0, 1.0, 5.0]


def test_a_group_of_labels_that_reaches_its_neighbour_includes_it():
    assert spread([0.0, 0.0, 0.9], gap=1.0) == pytest.approx([-0.7, 0.3, 1.3])
