"""A line over time as a chart of the app."""

import numpy as np

from gnl_core.plots.timeline import Timeline
from gnl_core.plots.timeline_chart import timeline_chart

TIMELINE = Timeline(
    score=np.array([1.0, 4.0, 2.0, 2.5, 5.0]),
    following_threshold=np.array([3.0, 3.0, 3.0, 3.5, 4.0]),
    fixed_threshold=3.0,
    edges=(0, 3, 5),
    shift_scores=(0.4, 1.2),
)
NAMES = ["a", "b", "c", "d", "e"]


def parts(timeline=TIMELINE):
    return {trace.name: trace for trace in timeline_chart(timeline, NAMES).data}


def test_each_image_is_a_dot_with_its_name_among_those_with_or_without_an_alarm():
    quiet, alarms = parts()["image"], parts()["alarm under the following threshold"]
    assert (quiet.x, quiet.y, quiet.customdata) == ((1, 3, 4), (1.0, 2.0, 2.5), ("a", "c", "d"))
    assert (alarms.x, alarms.y, alarms.customdata) == ((2, 5), (4.0, 5.0), ("b", "e"))


def test_both_thresholds_are_lines_over_the_images():
    assert parts()["following threshold"].y == (3.0, 3.0, 3.0, 3.5, 4.0)
    assert set(parts()["fixed threshold"].y) == {3.0}


def test_the_shift_score_spans_the_images_of_its_block():
    shift = parts()["shift score"]
    assert shift.x == (0.5, 3.5, None, 3.5, 5.5, None)
    assert shift.y == (0.4, 0.4, None, 1.2, 1.2, None)


def test_without_shift_scores_there_is_one_panel():
    assert "shift score" not in parts(TIMELINE._replace(shift_scores=(None, None)))


def test_known_labels_and_marks_are_drawn():
    timeline = TIMELINE._replace(labels=np.array([0, 0, 1, 1, 1]), marks=((3, "damage"),))
    figure = timeline_chart(timeline, NAMES)
    traces = {trace.name: (trace.x, trace.marker.symbol) for trace in figure.data if trace.mode == "markers"}
    assert traces == {
        "normal": ((1,), "circle"),
        "normal, alarm": ((2,), "diamond"),
        "anomalous": ((3, 4), "circle"),
        "anomalous, alarm": ((5,), "diamond"),
    }
    assert [annotation.text for annotation in figure.layout.annotations] == ["damage"]
    assert {shape.x0 for shape in figure.layout.shapes} == {2.5}
