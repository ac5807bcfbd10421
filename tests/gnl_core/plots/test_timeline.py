from __future__ import annotations

import numpy as np

from gnl_core.plots.style import ANOMALOUS, NORMAL
from gnl_core.plots.timeline import Timeline, draw_timeline, group_images

TIMELINE = Timeline(
    score=np.array([1.0, 4.0, 2.0, 2.5, 5.0]),
    following_threshold=np.array([3.0, 3.0, 3.0, 3.5, 4.0]),
    fixed_threshold=3.0,
    edges=(0, 3, 5),
    shift_scores=(0.4, 1.2),
)


def test_each_image_is_a_dot_among_those_with_or_without_an_alarm():
    quiet, alarms = draw_timeline(TIMELINE).axes[0].collections
    assert quiet.get_offsets().tolist() == [[1, 1.0], [3, 2.0], [4, 2.5]]
    assert alarms.get_offsets().tolist() == [[2, 4.0], [5, 5.0]]


def test_both_thresholds_are_lines_over_the_images():
    following, fixed = draw_timeline(TIMELINE).axes[0].lines
    assert following.get_ydata().tolist() == [3.0, 3.0, 3.0, 3.5, 4.0]
    assert set(fixed.get_ydata()) == {3.0}


def test_the_shift_score_spans_the_images_of_its_block():
    steps = draw_timeline(TIMELINE).axes[1].patches[0].get_data()
    assert steps.edges.tolist() == [0.5, 3.5, 5.5]
    assert steps.values.tolist() == [0.4, 1.2]


def test_without_shift_scores_there_is_one_panel():
    assert len(draw_timeline(TIMELINE._replace(shift_scores=(None, None))).axes) == 1


LABELLED = TIMELINE._replace(labels=np.array([0, 0, 1, 1, 1]), marks=((3, "damage"),))


def test_known_labels_are_drawn_in_their_colours_with_or_without_an_alarm():
    groups = {group.name: (group.colour, group.alarm, group.places.tolist()) for group in group_images(LABELLED)}
    assert groups == {
        "normal": (NORMAL, False, [0]),
        "normal, alarm": (NORMAL, True, [1]),
        "anomalous": (ANOMALOUS, False, [2, 3]),
        "anomalous, alarm": (ANOMALOUS, True, [4]),
    }


def test_a_mark_stands_before_the_image_with_which_something_begins():
    axis = draw_timeline(LABELLED).axes[0]
    assert axis.lines[-1].get_xdata() == [2.5, 2.5]
    assert [text.get_text() for text in axis.texts] == ["damage"]
