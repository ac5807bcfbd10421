from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from gnl_core.metrics.ranking import area_under_roc, average_precision, rank, rank_correlation, weighted_area

Groups = tuple[np.ndarray, np.ndarray]


@pytest.fixture(params=[0, 1], ids=["few ties", "many ties"])
def groups(request: pytest.FixtureRequest) -> Groups:
    """Scores of 40 normals and 60 anomalies that overlap, rounded to two decimals or to whole numbers."""
    generator = np.random.default_rng(request.param)
    decimals = 2 - 2 * request.param
    return generator.normal(0, 1, 40).round(decimals), generator.normal(1, 1, 60).round(decimals)


def as_scikit_learn(groups: Groups) -> Groups:
    return np.repeat([0, 1], [40, 60]), np.concatenate(groups)


def test_an_anomaly_is_ranked_by_higher_and_by_tied_scores():
    ranks = rank(np.array([1.0, 3.0, 3.0, 5.0]), np.array([3.0, 4.0, 3.0]))
    assert ranks.normal_above.tolist() == [1, 1, 1]
    assert ranks.normal_not_below.tolist() == [3, 1, 3]
    assert ranks.anomalous_not_below.tolist() == [3, 1, 3]
    assert ranks.n_normal == 4


@pytest.mark.parametrize("counts", [(0, 3), (3, 0), (0, 0)])
def test_one_group_alone_has_no_ranks(counts: tuple[int, int]):
    assert rank(*(np.ones(count) for count in counts)) is None


def test_areas_are_scikit_learns(groups: Groups):
    ranks = rank(*groups)
    assert area_under_roc(ranks) == pytest.approx(roc_auc_score(*as_scikit_learn(groups)), abs=1e-12)
    assert average_precision(ranks) == pytest.approx(average_precision_score(*as_scikit_learn(groups)), abs=1e-12)


@pytest.mark.parametrize("limit", [0.05, 0.3, 0.77, 1.0])
def test_with_equal_weights_the_limited_area_is_scikit_learns(groups: Groups, limit: float):
    measured = weighted_area(rank(*groups), np.full(60, 1 / 60), limit=limit)
    standardised = 0.5 * (1 + (measured - limit / 2) / (1 - limit / 2))  # McClish, as scikit-learn returns it
    assert standardised == pytest.approx(roc_auc_score(*as_scikit_learn(groups), max_fpr=limit), abs=1e-12)


def test_an_anomaly_tied_with_all_normals_draws_the_diagonal():
    # the diagonal to 0.3 has the area 0.3 * 0.3 / 2
    assert weighted_area(rank(np.ones(10), np.ones(1)), np.ones(1), limit=0.3) == pytest.approx(0.15)


def test_an_anomaly_of_twice_the_weight_counts_as_two(groups: Groups):
    normal, anomalous = groups
    weights = np.full(60, 1 / 61)
    weights[0] = 2 / 61
    twice = weighted_area(rank(normal, np.append(anomalous, anomalous[0])), np.full(61, 1 / 61), limit=0.3)
    assert weighted_area(rank(normal, anomalous), weights, limit=0.3) == pytest.approx(twice, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys_with_ties_too(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.integers(6, size=(2, 12)).astype(float)
    assert rank_correlation(list(first), list(second)) == pytest.approx(spearmanr(first, second).statistic)


def test_numbers_that_increase_together_have_rank_correlation_one():
    assert rank_correlation([1.0, 2.0, 3.0], [0.1, 5.0, 500.0]) == pytest.approx(1.0)
    assert rank_correlation([1.0, 2.0, 3.0], [3.0, 2.0, -9.0]) == pytest.approx(-1.0)


def test_the_rank_correlation_of_constants_is_undefined():
    assert rank_correlation([1.0, 2.0], [4.0, 4.0]) is None
    assert rank_correlation([1.0], [4.0]) is None


def test_numbers_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match="2 numbers cannot be paired with 1"):
        rank_correlation([1.0, 2.0], [4.0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_has_no_rank(value: float):
    assert rank(np.array([1.0, value]), np.array([2.0])) is None
    assert rank(np.array([1.0]), np.array([2.0, value])) is None
    assert rank_correlation([1.0, 2.0, value], [1.0, 2.0, 3.0]) is None
    assert rank_correlation([1.0, 2.0, 3.0], [1.0, 2.0, value]) is None
