from __future__ import annotations

import numpy as np
import pytest

from gnl_core.adaptation.following import FixedThreshold, Following, cut_blocks, follow
from gnl_core.finite import DivergedError

FIXED = FixedThreshold(value=3.0, usual=1.0, quantile=0.95, n_held_out=20)  # a margin of 2


def follow_all(*scores: float, window: int = 3, minimum: int = 2, most_drift: float = 10.0) -> Following:
    return follow(np.array(scores), FIXED, window=window, minimum=minimum, most_drift=most_drift)


def noise(count: int) -> np.ndarray:
    """Scores of a steady line: a median of 1, and 95 % below the fixed threshold."""
    return np.random.default_rng(0).normal(1.0, 2.0 / 1.645, size=count)


def test_the_threshold_keeps_its_margin_above_the_running_median_of_earlier_images():
    following = follow_all(1.0, 2.0, 2.5, 2.0, 0.0)
    # medians of (), (1), (1, 2), (1, 2, 2.5), (2, 2.5, 2), plus a margin of 2 from the third image on
    assert following.threshold.tolist() == [3.0, 3.0, 3.5, 4.0, 4.0]
    assert following.drift.tolist() == [0.0, 0.0, 0.25, 0.5, 0.5]


def test_the_fixed_threshold_is_in_force_until_there_are_enough_images():
    following = follow_all(2.0, 9.0, 2.0, 9.0, 2.0, 2.0, window=5, minimum=3)
    assert following.threshold.tolist() == [3.0, 3.0, 3.0, 3.0, 3.0, 4.0]


def test_images_that_raise_an_alarm_do_not_enter_the_window():
    quiet = follow_all(1.0, 2.0, 2.0, 2.0)
    with_alarms = follow_all(1.0, 50.0, 2.0, 60.0, 2.0, 70.0, 2.0)
    assert with_alarms.threshold[[0, 2, 4, 6]].tolist() == quiet.threshold.tolist()
    assert with_alarms.following_alarm.tolist() == [False, True] * 3 + [False]


def test_an_image_as_high_as_the_threshold_raises_no_alarm():
    assert follow_all(3.0, 3.0000001).following_alarm.tolist() == [False, True]


def test_later_scores_change_nothing_before_them():
    scores = noise(60)
    changed = scores.copy()
    changed[30:] += 5.0
    first, second = (follow(part, FIXED, window=10, minimum=5, most_drift=1.0) for part in (scores, changed))
    assert np.array_equal(first.threshold[:31], second.threshold[:31])
    assert not np.array_equal(first.score[31:], second.score[31:])


def test_on_a_steady_line_the_rate_of_false_alarms_stays_near_the_fixed_thresholds():
    following = follow(noise(20_000), FIXED, window=100, minimum=20, most_drift=1.0)
    assert following.fixed_alarm.mean() == pytest.approx(0.05, abs=0.005)
    assert following.following_alarm[-10_000:].mean() == pytest.approx(0.058, abs=0.008)  # 5.8 %: cut by its own alarms


def test_a_slow_ramp_is_accepted_and_shows_as_a_rise():
    ramp = np.linspace(1.0, 9.0, 400)
    following = follow(ramp, FIXED, window=20, minimum=10, most_drift=10.0)
    assert not following.following_alarm.any()
    assert following.fixed_alarm.sum() == following.accepted.sum() == 300
    assert following.rise[-1] == pytest.approx(4.0, abs=0.2)  # 8 above the start are 4 margins, less half a window


def test_a_step_raises_alarms_for_as_long_as_it_lasts():
    following = follow_all(*[1.0] * 50, *[6.0] * 200)
    assert following.following_alarm.tolist() == [False] * 50 + [True] * 200
    assert following.threshold[-1] == FIXED.value


def test_the_threshold_rises_no_further_than_the_limit_and_the_line_counts_as_beyond_it():
    ramp = np.linspace(1.0, 9.0, 400)
    following = follow(ramp, FIXED, window=20, minimum=10, most_drift=1.0)
    assert following.threshold.max() == FIXED.value + FIXED.margin
    assert following.following_alarm[ramp > 5.0].all()
    first = int(np.flatnonzero(following.beyond)[0])
    assert ramp[first] == pytest.approx(3.2, abs=0.1)  # the running median lags half a window behind 3
    assert following.beyond[first:].all()


def test_without_any_drift_accepted_the_threshold_never_exceeds_the_fixed_one():
    following = follow_all(1.0, 2.0, 2.5, 2.9, most_drift=0.0)
    assert following.threshold.tolist() == [3.0] * 4


def test_the_threshold_follows_a_line_that_becomes_cleaner():
    following = follow_all(0.0, 0.0, 0.0, 2.5)
    assert following.threshold[-1] == 2.0
    assert following.following_alarm[-1]
    assert not following.fixed_alarm[-1]


def test_blocks_count_the_alarms_of_their_images():
    following = follow_all(1.0, 5.0, 2.0, 2.0, 3.5)
    first, second = cut_blocks(following, size=3)
    assert first == (0, 3, 2.0, 1, 1, 3.0)
    assert second == (3, 5, 2.75, 1, 0, 4.0)


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(DivergedError, match="no threshold can follow"):
        follow_all(1.0, float("nan"))


def test_a_threshold_without_margin_is_refused():
    with pytest.raises(ValueError, match="has no margin to keep"):
        follow(np.ones(3), FIXED._replace(value=1.0), window=3, minimum=2, most_drift=1.0)


def test_a_window_that_never_holds_enough_images_is_refused():
    with pytest.raises(ValueError, match="make --window at least as large"):
        follow_all(1.0, window=3, minimum=4)
