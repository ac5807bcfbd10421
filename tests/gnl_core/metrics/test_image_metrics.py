from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from gnl_core.finite import DivergedError
from gnl_core.metrics.image import (
    auroc,
    average_precision,
    exceedance,
    f1,
    false_alarm_rate,
    miss_rate,
    report,
    report_domain,
)
from gnl_core.metrics.intervals import auroc_interval
from gnl_core.metrics.threshold import choose_threshold, threshold_at
from gnl_core.records import PixelReport, Scores, Threshold


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


@pytest.fixture
def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Labels and rounded, so partly tied, scores of 30 normal and 50 anomalous images."""
    generator = np.random.default_rng(0)
    scores = np.concatenate([generator.normal(0, 1, 30), generator.normal(1, 1, 50)]).round(1)
    return np.repeat([0, 1], [30, 50]), scores


def test_a_report_has_the_one_interval_of_the_auroc(overlapping: tuple[np.ndarray, np.ndarray]):
    assert report_domain(*overlapping).auroc_interval == auroc_interval(*overlapping)


def make_scores(*rows: tuple[str, int, float]) -> Scores:
    domain, label, score = zip(*rows, strict=True)
    names = np.array([str(index) for index in range(len(rows))])
    return Scores(score=np.array(score), label=np.array(label), domain=np.array(domain), category=names, path=names)


def test_a_report_measures_each_domain_separately():
    measured = report(
        make_scores(("d", 0, 1.0), ("d", 1, 2.0), ("d", 1, 3.0), ("m", 0, 9.0), ("m", 0, 7.0), ("m", 1, 8.0)),
        in_distribution="d",
    )
    assert list(measured.domains) == ["d", "m"]
    assert measured.domains["d"][:1] + measured.domains["d"][2:4] == (1.0, 1, 2)
    assert measured.domains["m"][:1] + measured.domains["m"][2:4] == (0.5, 2, 1)


def test_a_report_states_the_drop_under_shift():
    measured = report(make_scores(("m", 0, 9.0), ("m", 1, 8.0), ("d", 0, 1.0), ("d", 1, 2.0)), in_distribution="d")
    assert measured.drops == {"m": 1.0}


def test_a_report_without_the_in_distribution_domain_has_no_drops():
    assert report(make_scores(("m", 0, 1.0), ("m", 1, 2.0)), in_distribution="d").drops == {}


def test_a_report_of_normal_images_alone_counts_them():
    measured = report(make_scores(("d", 0, 1.0), ("d", 1, 2.0), ("train", 0, 2.0)), in_distribution="d")
    train = measured.domains["train"]
    assert (train.auroc, train.auroc_interval, train.n_normal, train.n_anomalous) == (None, None, 1, 0)
    assert measured.drops == {}


def test_exceedance_is_the_share_strictly_above_the_threshold():
    assert exceedance(np.array([1.0, 2.0, 3.0, 4.0]), 3.0) == 0.25
    assert exceedance(np.array([1.0, 2.0, 3.0, 4.0]), 0.0) == 1


def test_a_threshold_is_a_quantile_of_the_training_scores():
    scores = np.arange(101.0)
    assert threshold_at(scores, quantile=0.95) == 95
    assert exceedance(scores, threshold_at(scores, quantile=0.95)) == pytest.approx(5 / 101)


def test_average_precision_is_the_mean_precision_at_the_anomalies():
    # from the highest score down: anomalous (1 of 1), normal, anomalous (2 of 3), normal
    assert average_precision(np.array([0, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_and_f1_are_scikit_learns(overlapping: tuple[np.ndarray, np.ndarray]):
    labels, scores = overlapping
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    for threshold in (-9.0, 0.1, 0.5, 1.7, 9.0):
        expected = f1_score(labels, scores > threshold, zero_division=0)
        assert f1(labels, scores, threshold=threshold) == pytest.approx(expected, abs=1e-12)


def test_false_alarms_and_misses_are_counted_at_the_threshold():
    labels, scores = np.array([0, 0, 0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0, 3.0, 5.0])
    assert false_alarm_rate(labels, scores, threshold=3.0) == 0.25  # 4 alone: a score at the threshold is no alarm
    assert miss_rate(labels, scores, threshold=3.0) == 0.5


FIGURES = (
    *("auroc", "average_precision", "f1", "false_alarm_rate", "miss_rate"),
    *("pixel_auroc", "pixel_average_precision", "aupro"),
)
NONE_MEASURED = (None,) * len(FIGURES)


def figures(measured: object) -> tuple[float | None, ...]:
    return tuple(getattr(measured, name) for name in FIGURES)


def test_images_without_labels_are_only_counted():
    measured = report_domain(np.full(3, -1), np.arange(3.0), threshold=1.0)
    assert (measured.n_normal, measured.n_anomalous, measured.n_unlabelled) == (0, 0, 3)
    assert figures(measured) == NONE_MEASURED


def test_images_without_labels_change_no_metric(overlapping: tuple[np.ndarray, np.ndarray]):
    labels, scores = overlapping
    more = report_domain(np.append(labels, [-1, -1]), np.append(scores, [-9.0, 9.0]), threshold=0.5)
    assert more == report_domain(labels, scores, threshold=0.5)._replace(n_unlabelled=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("row", range(4))
def test_a_single_score_that_is_not_finite_leaves_no_metric(value: float, row: int):
    labels, scores = np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    scores[row] = value
    assert auroc(labels, scores) is average_precision(labels, scores) is None
    measured = report_domain(labels, scores, threshold=2.5)
    assert figures(measured) == NONE_MEASURED
    assert measured.auroc_interval is None
    assert (measured.n_normal, measured.n_anomalous, measured.n_not_finite) == (2, 2, 1)


def test_an_unlabelled_score_that_is_not_finite_leaves_no_metric_either():
    measured = report_domain(np.array([0, 1, -1]), np.array([1.0, 2.0, np.nan]))
    assert (measured.auroc, measured.n_unlabelled, measured.n_not_finite) == (None, 1, 1)


def test_held_out_scores_that_are_not_finite_give_no_threshold():
    held_out = make_scores(("held_out", 0, 1.0), ("held_out", 0, np.nan), ("held_out", 0, np.inf))
    assert choose_threshold(held_out, quantile=0.9) == Threshold(None, 0.9, n_held_out=3, n_not_finite=2)
    with pytest.raises(DivergedError, match=r"no threshold: this run diverged \(2 of 3 scores are not finite\)"):
        threshold_at(held_out.score, quantile=0.9)


def test_a_domain_without_metrics_has_no_drop():
    rows = (("d", 0, 1.0), ("d", 1, 2.0), ("m", 0, 9.0), ("m", 1, np.nan))
    assert report(make_scores(*rows), in_distribution="d").drops == {}


@pytest.mark.parametrize(("label", "rates"), [(0, (0.5, None)), (1, (None, 0.5))])
def test_a_single_label_has_only_its_own_error_rate(label: int, rates: tuple[float | None, ...]):
    measured = report_domain(np.full(2, label), np.array([1.0, 2.0]), threshold=1.0)
    assert (measured.false_alarm_rate, measured.miss_rate) == rates
    assert measured.auroc is measured.average_precision is measured.f1 is None


def test_without_a_threshold_there_are_no_mistakes(overlapping: tuple[np.ndarray, np.ndarray]):
    measured = report_domain(*overlapping)
    assert measured.f1 is measured.false_alarm_rate is measured.miss_rate is None
    assert measured.average_precision is not None


def test_a_threshold_records_the_scores_behind_it():
    held_out = make_scores(*(("held_out", 0, float(score)) for score in range(101)))
    assert choose_threshold(held_out, quantile=0.9) == Threshold(value=90.0, quantile=0.9, n_held_out=101)


def test_without_held_out_images_there_is_no_threshold():
    assert choose_threshold(None, quantile=0.9) == Threshold(value=None, quantile=0.9, n_held_out=0)


def test_one_threshold_applies_to_every_domain():
    threshold = Threshold(value=2.5, quantile=0.95, n_held_out=11)
    rows = (("d", 0, 1.0), ("d", 1, 2.0), ("d", 1, 3.0), ("m", 0, 9.0), ("m", 1, 8.0))
    measured = report(make_scores(*rows), in_distribution="d", threshold=threshold)
    assert measured.threshold == threshold
    assert {name: (found.false_alarm_rate, found.miss_rate) for name, found in measured.domains.items()} == {
        "d": (0.0, 0.5),
        "m": (1.0, 0.0),
    }


def test_a_domains_report_has_its_pixel_metrics():
    pixels = PixelReport(0.9, 0.5, 0.7, 2)
    rows = (("d", 0, 1.0), ("d", 1, 2.0), ("m", 0, 9.0))
    measured = report(make_scores(*rows), in_distribution="d", pixels={"d": pixels})
    fields = PixelReport._fields
    assert tuple(getattr(measured.domains["d"], name) for name in fields) == pixels
    assert tuple(getattr(measured.domains["m"], name) for name in fields) == PixelReport()
