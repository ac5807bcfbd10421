from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gnl_core.delong import (
    Placements,
    average_estimates,
    estimate,
    interval,
    is_clear,
    place,
    spread,
    subtract,
)
from gnl_core.metrics import auroc_interval

LABELS = np.array([0, 1, 0, 1])
SCORES = np.array([1.0, 2.0, 3.0, 4.0])


def placed(labels: np.ndarray, scores: np.ndarray) -> Placements:
    found = place(labels, scores)
    assert found is not None
    return found


def draw(seed: int, *, count: int = 200, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return labels, generator.normal(size=count) + shift * labels


def test_four_images_worked_by_hand():
    found = placed(LABELS, SCORES)
    assert found.normal.tolist() == [1, 0.5]  # both anomalies lie above 1, one above 3
    assert found.anomalous.tolist() == [0.5, 1]
    one = estimate({("4", 0): found})
    assert one.value == 0.75
    assert one.standard_error == pytest.approx(math.sqrt(0.125 / 2 + 0.125 / 2))


def test_the_mean_placement_of_either_label_is_the_auroc_with_ties_half():
    labels, scores = draw(0)
    scores = scores.round(1)
    found = placed(labels, scores)
    assert found.normal.mean() == pytest.approx(roc_auc_score(labels, scores))
    assert found.anomalous.mean() == pytest.approx(roc_auc_score(labels, scores))


def test_without_one_of_the_labels_there_is_nothing_to_place():
    assert place(np.zeros(3, int), np.arange(3.0)) is None
    assert place(np.ones(3, int), np.arange(3.0)) is None


def test_the_interval_is_about_the_bootstraps():
    labels, scores = draw(1)
    expected = auroc_interval(labels, scores)
    assert interval(estimate({("4", 0): placed(labels, scores)}), lowest=0) == pytest.approx(expected, abs=0.015)


def test_the_interval_covers_the_truth_in_about_95_of_100_draws():
    truth = 0.7602  # of two normal distributions one standard deviation apart: Phi(1 / sqrt(2))
    intervals = [interval(estimate({("4", 0): placed(*draw(seed))}), lowest=0) for seed in range(400)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.98


def test_an_interval_stays_within_what_is_possible():
    labels, scores = np.array([0, 0, 0, 1, 1, 1]), np.array([0.0, 1, 3, 2, 4, 5])
    assert interval(estimate({("4", 0): placed(labels, scores)}), lowest=0)[1] == 1


def test_a_single_image_of_a_label_has_the_widest_interval():
    one = estimate({("4", 0): placed(np.array([0, 1, 1]), np.array([1.0, 0, 2]))})
    assert interval(one, lowest=0) == (0, 1)


def test_a_run_does_not_differ_from_itself():
    found = placed(*draw(2))
    difference = estimate({("4", 0): subtract(found, found)})
    assert (difference.value, difference.standard_error) == (0, 0)
    assert not is_clear(difference)


def test_what_two_runs_have_in_common_is_not_in_the_interval_of_their_difference():
    labels, scores = draw(3)
    better = scores + 0.1 * labels  # a little better on each image
    left, right = placed(labels, better), placed(labels, scores)
    difference = estimate({("4", 0): subtract(left, right)})
    assert difference.value == pytest.approx(roc_auc_score(labels, better) - roc_auc_score(labels, scores))
    assert difference.standard_error < 0.3 * estimate({("4", 0): left}).standard_error
    assert is_clear(difference)


def test_seeds_share_their_images_and_classes_do_not():
    found = placed(*draw(4))
    one = estimate({("4", 0): found}).standard_error
    assert estimate({("4", 0): found, ("4", 1): found}).standard_error == pytest.approx(one)
    assert estimate({("4", 0): found, ("8", 0): found}).standard_error == pytest.approx(one / math.sqrt(2))


def test_the_spread_is_that_of_the_seeds_mean_over_classes():
    def constant(value: float) -> Placements:
        return Placements(np.full(3, value), np.full(3, value))

    units = {("4", 0): 0.8, ("8", 0): 0.6, ("4", 1): 1.0, ("8", 1): 0.8}
    found = estimate({key: constant(value) for key, value in units.items()})
    assert found.value == pytest.approx(0.8)
    assert found.seed_means == pytest.approx({0: 0.7, 1: 0.9})
    assert spread(found) == pytest.approx(math.sqrt(0.02))
    assert spread(estimate({("4", 0): constant(0.8)})) is None


def test_a_seed_that_lacks_a_class_has_no_mean():
    found = placed(*draw(5))
    units = {("4", 0): found, ("8", 0): found, ("4", 1): found}
    assert list(estimate(units).seed_means) == [0]


def test_a_difference_that_seeds_do_not_agree_on_is_not_clear():
    def constant(value: float) -> Placements:
        return Placements(np.full(3, value), np.full(3, value))

    assert is_clear(estimate({("4", 0): constant(0.1), ("4", 1): constant(0.1)}))
    assert not is_clear(estimate({("4", 0): constant(0.3), ("4", 1): constant(-0.1)}))


def test_the_mean_over_domains_is_as_uncertain_as_if_they_showed_the_same_images():
    parts = [estimate({("4", 0): placed(*draw(seed))}) for seed in (6, 7)]
    mean = average_estimates(parts)
    assert mean.value == pytest.approx((parts[0].value + parts[1].value) / 2)
    assert mean.standard_error == pytest.approx((parts[0].standard_error + parts[1].standard_error) / 2)
    assert mean.seed_means == pytest.approx({0: mean.value})
