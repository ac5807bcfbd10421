from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from gnl_core.metrics.intervals import (
    Placements,
    auroc_interval,
    average,
    average_estimates,
    estimate,
    extend,
    independent_pairs,
    interval_of_auroc,
    interval_of_difference,
    is_clear,
    place,
    spread,
    subtract,
    wilson_interval,
)

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


def test_without_one_of_the_labels_there_are_no_placements():
    assert place(np.zeros(3, int), np.arange(3.0)) is None
    assert place(np.ones(3, int), np.arange(3.0)) is None


def test_the_standard_error_is_that_of_a_matrix_of_all_pairs():
    labels, scores = draw(0, count=61)
    scores = scores.round(1)  # with ties
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    wins = (anomalous > normal[:, None]) + 0.5 * (anomalous == normal[:, None])
    by_normal, by_anomalous = wins.mean(axis=1), wins.mean(axis=0)
    found = estimate({("4", 0): placed(labels, scores)})
    assert found.value == pytest.approx(wins.mean(), abs=1e-12)
    expected = scipy.stats.sem(by_normal) ** 2 + scipy.stats.sem(by_anomalous) ** 2
    assert found.standard_error == pytest.approx(math.sqrt(expected), abs=1e-12)


def test_wilsons_interval_is_scipys():
    for hits, count in ((0, 5), (3, 7), (40, 41), (10, 10)):
        expected = scipy.stats.binomtest(hits, count).proportion_ci(method="wilson")
        assert wilson_interval(hits / count, count=count) == pytest.approx(tuple(expected), abs=1e-6)


def test_the_interval_is_wilsons_for_the_number_of_pairs_given_by_the_variance():
    labels, scores = draw(1)
    found = estimate({("4", 0): placed(labels, scores)})
    count = found.value * (1 - found.value) / found.standard_error**2
    low, high = auroc_interval(labels, scores)
    # both ends solve |A - end| = 1.96 sqrt(end (1 - end) / count)
    for end in (low, high):
        assert abs(found.value - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / count))


def test_one_run_has_the_same_interval_alone_and_in_a_comparison():
    labels, scores = draw(2)
    assert auroc_interval(labels, scores) == interval_of_auroc(estimate({("4", 0): placed(labels, scores)}))


def test_the_interval_of_many_images_is_about_the_bootstraps():
    labels, scores = draw(1)
    generator = np.random.default_rng(7)
    rows = [
        np.concatenate([generator.choice(np.flatnonzero(labels == one), 100) for one in (0, 1)]) for _ in range(500)
    ]
    resampled = [roc_auc_score(labels[chosen], scores[chosen]) for chosen in rows]
    assert auroc_interval(labels, scores) == pytest.approx(np.percentile(resampled, [2.5, 97.5]), abs=0.015)


@pytest.mark.parametrize(
    ("count", "shift", "truth"),
    [(200, 1.0, 0.7602), (20, 1.0, 0.7602), (20, 2.66, 0.97), (40, 2.66, 0.97)],  # Phi(shift / sqrt(2))
)
def test_the_interval_holds_the_truth_in_about_95_of_100_draws(count: int, shift: float, truth: float):
    intervals = [auroc_interval(*draw(seed, count=count, shift=shift)) for seed in range(400)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.99


def test_an_interval_stays_within_what_is_possible():
    labels, scores = np.array([0, 0, 0, 1, 1, 1]), np.array([0.0, 1, 3, 2, 4, 5])
    low, high = auroc_interval(labels, scores)
    assert 0 < low < 8 / 9 < high < 1


def test_a_perfect_separation_of_few_images_has_a_wide_interval():
    # 2 + 2 images count as 16 / 6 pairs; Wilson's interval for all of k pairs begins at k / (k + 1.96²)
    assert independent_pairs(2, 2) == pytest.approx(16 / 6)
    low, high = auroc_interval(np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.8, 0.9]))
    assert (low, high) == (pytest.approx(16 / 6 / (16 / 6 + 1.959964**2)), 1)
    assert auroc_interval(np.array([1, 1, 0, 0]), np.array([0.0, 0.1, 0.8, 0.9])) == (0, pytest.approx(1 - low))


def test_more_perfectly_separated_images_narrow_the_interval():
    lows = [auroc_interval(np.repeat([0, 1], count), np.arange(2.0 * count))[0] for count in (2, 5, 20, 100)]
    assert lows == sorted(lows)
    assert lows[-1] > 0.98


def test_a_mistake_never_makes_the_lower_end_higher():
    labels, perfect = np.repeat([0, 1], 50), np.arange(100.0)
    swapped = perfect.copy()
    swapped[[49, 50]] = swapped[[50, 49]]
    low, high = auroc_interval(labels, swapped)
    assert low <= auroc_interval(labels, perfect)[0]
    assert high <= 1


def test_equal_scores_of_all_images_have_a_wide_interval():
    low, high = auroc_interval(np.repeat([0, 1], 5), np.zeros(10))
    assert low < 0.3
    assert high > 0.7


def test_a_single_image_of_a_label_has_the_widest_interval():
    assert auroc_interval(np.array([0, 1, 1]), np.array([1.0, 0, 2])) == (0, 1)
    assert auroc_interval(np.array([0, 1]), np.array([0.0, 1])) == (0, 1)


@pytest.mark.parametrize("label", [0, 1, -1])
def test_one_label_alone_has_no_interval(label: int):
    assert auroc_interval(np.full(3, label), np.arange(3.0)) is None


def test_images_without_labels_do_not_change_the_interval():
    labels, scores = draw(3)
    assert auroc_interval(np.append(labels, [-1, -1]), np.append(scores, [-9, 9])) == auroc_interval(labels, scores)


def test_an_interval_of_40000_images_needs_little_memory():
    labels, scores = draw(0, count=40_000)
    tracemalloc.start()
    try:
        auroc_interval(labels, scores)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 * 2**20  # all pairs take 3 GB


def test_the_interval_of_a_difference_is_symmetric_and_stays_within_what_is_possible():
    labels, scores = draw(3)
    difference = estimate({("4", 0): subtract(placed(labels, scores), placed(labels, scores.round()))})
    low, high = interval_of_difference(difference)
    assert (low + high) / 2 == pytest.approx(difference.value)
    assert high - low == pytest.approx(2 * 1.959964 * difference.standard_error)
    assert interval_of_difference(difference._replace(standard_error=math.inf)) == (-1, 1)


def test_a_mean_over_perfect_classes_counts_the_images_of_all():
    perfect = placed(np.repeat([0, 1], 10), np.arange(20.0))
    one, four = (estimate({(str(number), 0): perfect for number in range(count)}) for count in (1, 4))
    assert four.independent_pairs == pytest.approx(4 * one.independent_pairs)
    assert average_estimates([one, one]).independent_pairs == one.independent_pairs  # the same images, shifted
    assert interval_of_auroc(four)[0] > interval_of_auroc(one)[0]


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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_has_no_placement(value: float):
    assert place(np.array([0, 1, 0, 1]), np.array([1.0, 2.0, value, 3.0])) is None


def test_placements_of_all_images_extend_to_themselves():
    placements = placed(*draw(0, count=20))
    everything = [np.ones(len(part), dtype=bool) for part in placements]
    for part, extended in zip(placements, extend(placements, *everything), strict=True):
        assert extended == pytest.approx(part)


def test_seeds_that_judge_different_images_are_averaged_by_what_each_image_contributes():
    """The first judges normal images 0 and 1, the second 1 and 2: image 1 is above one mean and below the other."""
    both, anomalous = np.ones(1, dtype=bool), np.array([0.5])
    first = extend(Placements(np.array([1.0, 0.5]), anomalous), np.array([True, True, False]), both)
    second = extend(Placements(np.array([0.5, 0.0]), anomalous), np.array([False, True, True]), both)
    mean = average([first, second]).normal
    assert first.normal.mean() == pytest.approx(0.75)
    assert mean.mean() == pytest.approx((0.75 + 0.25) / 2)
    assert (mean - mean.mean()) / 3 == pytest.approx([0.25 / 2 / 2, 0, -0.25 / 2 / 2])


def test_extending_keeps_differences():
    present, both = np.array([True, False, True]), np.ones(2, dtype=bool)
    left, right = (Placements(np.array(part), np.array([0.2, 0.9])) for part in ([0.1, 0.7], [0.6, 0.4]))
    apart = subtract(extend(left, present, both), extend(right, present, both))
    assert extend(subtract(left, right), present, both).normal == pytest.approx(apart.normal)


def test_the_standard_error_of_seeds_with_different_images_holds_under_simulation():
    """The mean AUROC of two methods' seeds, each over a random four fifths of the same 60 + 60 images."""
    means, errors = [], []
    for trial in range(300):
        generator = np.random.default_rng(trial)
        labels, images = np.repeat([0, 1], 60), generator.normal(size=120) + np.repeat([0.0, 1.0], 60)
        units = {}
        for seed in range(3):
            judged = generator.permutation(np.repeat([True, True, True, True, False], 24))
            scores = images + 0.3 * generator.normal(size=120)
            part = placed(labels[judged], scores[judged])
            units["", seed] = extend(part, judged[labels == 0], judged[labels == 1])
        found = estimate(units)
        means.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.12)
