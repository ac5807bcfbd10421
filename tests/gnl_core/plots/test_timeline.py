from __future__ import annotations

import numpy as np

from gnl_core.plots.timeline import Timeline, draw_timeline

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
