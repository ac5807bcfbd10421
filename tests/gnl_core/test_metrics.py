from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gnl_core.metrics import auroc, auroc_interval, exceedance, report, threshold_at
from gnl_core.records import Scores


def test_auroc_is_the_share_of_pairs_in_order():
    # anomalous 2 and 4 against normal 1 and 3: 2>1, 4>1 and 4>3 are in order, 2<3 is not
    assert auroc(np.array([0, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0])) == 0.75


def test_ties_count_half():
    assert auroc(np.array([0, 1]), np.array([1.0, 1.0])) == 0.5


def test_auroc_is_scikit_learns(overlapping: tuple[np.ndarray, np.ndarray]):
    assert auroc(*overlapping) == pytest.approx(roc_auc_score(*overlapping), abs=1e-12)


def test_anomalies_that_score_higher_are_perfect():
    labels, scores = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9])
    assert auroc(labels, scores) == 1
    assert auroc(labels, -scores) == 0


@pytest.mark.parametrize("label", [0, 1])
def test_one_label_alone_has_no_auroc(label: int):
    labels, scores = np.full(3, label), np.array([0.1, 0.2, 0.3])
    assert auroc(labels, scores) is None
    assert auroc_interval(labels, scores) is None


@pytest.fixture
def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Labels and rounded, so partly tied, scores of 30 normal and 50 anomalous images."""
    generator = np.random.default_rng(0)
    scores = np.concatenate([generator.normal(0, 1, 30), generator.normal(1, 1, 50)]).round(1)
    return np.repeat([0, 1], [30, 50]), scores


def test_the_interval_brackets_the_value(overlapping: tuple[np.ndarray, np.ndarray]):
    low, high = auroc_interval(*overlapping)
    assert 0 < low < auroc(*overlapping) < high < 1


def test_the_interval_is_the_same_each_time(overlapping: tuple[np.ndarray, np.ndarray]):
    assert auroc_interval(*overlapping) == auroc_interval(*overlapping)
    assert auroc_interval(*overlapping) != auroc_interval(*overlapping, seed=1)


def test_the_interval_is_that_of_resampled_aurocs(overlapping: tuple[np.ndarray, np.ndarray]):
    labels, scores = overlapping
    generator = np.random.default_rng(7)
    resampled = []
    for _ in range(300):
        rows = np.concatenate([generator.integers(30, size=30), 30 + generator.integers(50, size=50)])
        resampled.append(roc_auc_score(labels[rows], scores[rows]))
    np.testing.assert_allclose(auroc_interval(labels, scores), np.percentile(resampled, [2.5, 97.5]), atol=0.02)


def test_perfect_separation_leaves_no_doubt():
    assert auroc_interval(np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.8, 0.9])) == (1, 1)


def make_scores(*rows: tuple[str, int, float]) -> Scores:
    domain, label, score = zip(*rows, strict=True)
    names = np.array([str(index) for index in range(len(rows))])
    return Scores(score=np.array(score), label=np.array(label), domain=np.array(domain), category=names, path=names)


def test_a_report_measures_each_domain_by_itself():
    measured = report(
        make_scores(("d", 0, 1.0), ("d", 1, 2.0), ("d", 1, 3.0), ("m", 0, 9.0), ("m", 0, 7.0), ("m", 1, 8.0)),
        in_distribution="d",
    )
    assert list(measured.domains) == ["d", "m"]
    assert measured.domains["d"][:1] + measured.domains["d"][2:] == (1.0, 1, 2)
    assert measured.domains["m"][:1] + measured.domains["m"][2:] == (0.5, 2, 1)


def test_a_report_tells_what_the_shift_costs():
    measured = report(make_scores(("m", 0, 9.0), ("m", 1, 8.0), ("d", 0, 1.0), ("d", 1, 2.0)), in_distribution="d")
    assert measured.drops == {"m": 1.0}


def test_a_report_without_the_in_distribution_domain_has_no_drops():
    assert report(make_scores(("m", 0, 1.0), ("m", 1, 2.0)), in_distribution="d").drops == {}


def test_a_report_of_normal_images_alone_counts_them():
    measured = report(make_scores(("d", 0, 1.0), ("d", 1, 2.0), ("train", 0, 2.0)), in_distribution="d")
    assert measured.domains["train"] == (None, None, 1, 0)
    assert measured.drops == {}


def test_exceedance_is_the_share_strictly_above_the_threshold():
    assert exceedance(np.array([1.0, 2.0, 3.0, 4.0]), 3.0) == 0.25
    assert exceedance(np.array([1.0, 2.0, 3.0, 4.0]), 0.0) == 1


def test_a_threshold_is_a_quantile_of_the_training_scores():
    scores = np.arange(101.0)
    assert threshold_at(scores, quantile=0.95) == 95
    assert exceedance(scores, threshold_at(scores, quantile=0.95)) == pytest.approx(5 / 101)
