"""The sentences of the Shift lab."""

import pytest

from app.checkpoints import list_checkpoints
from app.scoring import make_request
from app.screens.shift_lab.numbers import MethodCurves, ScoredCurve, lacks_shift_score
from app.screens.shift_lab.summary import summary_sentence
from app.words import NO_SHIFT_SCORE
from gnl_core.records import DomainReport


@pytest.fixture
def method_of():
    """A method with the AUROC of each severity, without matching and with it, and its shift scores."""
    checkpoint = next(found for found in list_checkpoints()[0] if found.config.detector == "gnl")

    def make(off, on=None, shifts=()):
        lines = [
            ScoredCurve(make_request(checkpoint, style_weight=weight), dict(enumerate(map(report, aurocs))))
            for weight, aurocs in ((0.0, off), (0.5, on or []))
        ]
        return MethodCurves(lines[0], lines[1] if on else None, dict(enumerate(shifts)))

    return make


def report(auroc: float | None) -> DomainReport:
    return DomainReport(auroc=auroc, auroc_interval=None, n_normal=1, n_anomalous=1)


def test_the_summary_states_the_drop_and_the_effect_of_matching(method_of):
    told = summary_sentence(method_of([0.95, 0.9, 0.7], [0.95, 0.92, 0.8], [0.4, 1.0, 2.0]))
    assert told == (
        "**GNL**: AUROC 0.95 unchanged, 0.70 at severity 2 (−0.25). FDM 0.5 changes it by +0.10 at severity 2. "
        "It lowers AUROC at no severity shown. Rank correlation of shift score and drop: +1.00 (n = 3 severities)."
    )


def test_the_summary_lists_each_severity_at_which_matching_costs(method_of):
    told = summary_sentence(method_of([0.95, 0.9, 0.7], [0.93, 0.88, 0.65]))
    assert "FDM 0.5 changes it by −0.05 at severity 2." in told
    assert "It lowers AUROC at severity 0 (−0.02), 1 (−0.02), 2 (−0.05)." in told


def test_a_difference_below_two_decimals_counts_as_none(method_of):
    told = summary_sentence(method_of([0.95, 0.9], [0.951, 0.897]))
    assert "FDM 0.5 changes nothing at severity 1. It lowers AUROC at no" in told


def test_a_shift_score_that_falls_where_the_drop_grows_has_a_negative_correlation(method_of):
    assert "drop: −1.00 (n = 3" in summary_sentence(method_of([0.9, 0.8, 0.7], shifts=[3.0, 2.0, 1.0]))


def test_without_both_labels_no_auroc_is_reported(method_of):
    assert "no AUROC" in summary_sentence(method_of([None, None]))


def test_the_unchanged_images_alone_give_no_summary(method_of):
    assert "not scored under this shift yet" in summary_sentence(method_of([0.9]))


def test_references_without_a_spread_are_the_reason_for_no_shift_score(method_of):
    method = method_of([0.9, 0.8, 0.7])._replace(no_spread=True)
    assert summary_sentence(method).endswith(f"Shift score {NO_SHIFT_SCORE}.")
    assert not lacks_shift_score(method, severity=3)
    assert lacks_shift_score(method._replace(no_spread=False), severity=3)


def test_scores_that_are_not_finite_give_no_summary(method_of):
    method = method_of([0.95, 0.9])
    method.off.reports[1] = DomainReport(None, None, 20, 80, n_not_finite=7)
    told = summary_sentence(method)
    assert told == (
        "**GNL**: this run diverged (7 of 100 scores are not finite); train it again with a smaller --learning-rate."
    )
