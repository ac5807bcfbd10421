from __future__ import annotations

import math

import numpy as np
import pytest

from gnl_core.adaptation.recalibration import (
    Aim,
    assumed_threshold,
    conformal_threshold,
    recalibrate,
    smallest_promise,
)

DRAWS = 4000


@pytest.mark.parametrize(
    ("count", "rate", "rank", "promise"),
    [
        (1, 0.05, 1, 1 / 2),
        (8, 0.05, 8, 1 / 9),
        (19, 0.05, 19, 1 / 20),
        (20, 0.05, 20, 1 / 21),
        (39, 0.05, 38, 2 / 40),
        (8, 0.2, 8, 1 / 9),
        (9, 0.2, 8, 2 / 10),
        (9, 0.7, 3, 7 / 10),  # 10 * 0.3 is 3.0000000000000004 in floating point
        (3, 0.99, 1, 3 / 4),
    ],
)
def test_the_conformal_threshold_is_the_score_of_a_rank(count: int, rate: float, rank: int, promise: float):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))  # the score of each rank is the rank
    threshold = conformal_threshold(scores, false_alarm_rate=rate)
    assert threshold.value == rank
    assert threshold.n == count
    assert threshold.promised_rate == pytest.approx(promise)
    assert threshold.assumed_share is None


@pytest.mark.parametrize("rate", [0.05, 0.2])
@pytest.mark.parametrize("count", [1, 8, 16, 39])
def test_the_promise_is_kept_and_tight_for_exchangeable_scores(count: int, rate: float):
    generator = np.random.default_rng(count)
    alarms, promise = 0, 0.0
    for scores in generator.exponential(size=(DRAWS, count + 1)):
        threshold = conformal_threshold(scores[:-1], false_alarm_rate=rate)
        alarms, promise = alarms + (scores[-1] > threshold.value), threshold.promised_rate
    error = 3 * math.sqrt(promise * (1 - promise) / DRAWS)
    assert promise - error <= alarms / DRAWS <= promise + error
    assert promise <= max(rate, smallest_promise(count)) + 1e-12
    assert promise > rate - 1 / (count + 1)


def test_tied_scores_raise_fewer_alarms_than_promised():
    generator = np.random.default_rng(0)
    draws = generator.integers(3, size=(DRAWS, 10)).astype(float)
    alarms = [row[-1] > conformal_threshold(row[:-1], false_alarm_rate=0.2).value for row in draws]
    assert np.mean(alarms) < 0.2


def test_the_assumed_threshold_lies_below_the_assumed_anomalies():
    scores = np.random.default_rng(0).permutation(np.arange(101.0))
    threshold = assumed_threshold(scores, false_alarm_rate=0.05, anomaly_share=0.1)
    assert threshold.value == pytest.approx(100 * 0.9 * 0.95)
    assert (threshold.n, threshold.promised_rate, threshold.assumed_share) == (101, None, 0.1)


def test_the_aim_decides_between_a_promise_and_an_assumption():
    scores = np.arange(19.0)
    assert recalibrate(scores, Aim(known_normal=True)) == conformal_threshold(scores, false_alarm_rate=0.05)
    aim = Aim(false_alarm_rate=0.2, anomaly_share=0.3)
    assert recalibrate(scores, aim) == assumed_threshold(scores, false_alarm_rate=0.2, anomaly_share=0.3)


@pytest.mark.parametrize("known_normal", [True, False])
@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_of_all_or_nothing_is_refused(rate: float, known_normal: bool):
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        recalibrate(np.arange(5.0), Aim(known_normal=known_normal, false_alarm_rate=rate))


@pytest.mark.parametrize("share", [1.0, -0.1])
def test_a_share_of_anomalies_that_leaves_no_normal_image_is_refused(share: float):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        recalibrate(np.arange(5.0), Aim(anomaly_share=share))


@pytest.mark.parametrize("known_normal", [True, False])
def test_no_score_gives_no_threshold(known_normal: bool):
    with pytest.raises(ValueError, match="at least one image"):
        recalibrate(np.empty(0), Aim(known_normal=known_normal))
