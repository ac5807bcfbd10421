"""Explore's sentence on what the shift, matching and adapting did, and the commands below the numbers."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from app.checkpoints import Checkpoint
from app.controls.view import View
from app.scoring import AdaptedDomain, ScoringRequest, ScoringResult, measure_domain
from app.screens.explore.summary import reproducing_command, summary_sentence
from gnl_core.adaptation.choice import Ways
from gnl_core.cli import build_parser
from gnl_core.config import RunConfig, scoring_settings
from gnl_core.datasets import DATASETS
from gnl_core.records import RecalibratedThreshold, Scores
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice
from gnl_core.runs.folder import RunFolder

VIEW = View("digits", "4", None, DATASETS["digits"], "digits_m", ("rd4ad",))
NORMAL = [0.0] * 10
GOOD, FAIR, CHANCE = [1.0] * 10, [1.0] * 8 + [0.0] * 2, [0.0] * 10  # AUROC 1, 0.9 and 0.5


def domain(anomalous, *, threshold=0.5):
    """A domain whose normal images score 0, and whose anomalies score so."""
    label = np.repeat([0, 1], [len(NORMAL), len(anomalous)])
    text = np.arange(len(label)).astype(str)
    return measure_domain(Scores(np.array([*NORMAL, *anomalous]), label, text, text, text), threshold)


def result(detector="rd4ad", *, before=GOOD, shifted=CHANCE, adapted=None, style_weight=0.0):
    """A result of a method in-distribution, under shift, and adapted to 8 normal images."""
    config = RunConfig(detector=detector)
    checkpoint = Checkpoint(RunFolder(Path("runs/x")), config, None)
    request = ScoringRequest(checkpoint, scoring_settings(config, style_weight=style_weight))
    plain = ScoringResult(request, domain(before).scores, 0.5, 0, domain(before), domain(shifted))
    if adapted is None:
        return plain
    threshold = RecalibratedThreshold(0.5, n=8, promised_rate=0.1, assumed_share=None)
    found = AdaptedScores(Ways(), threshold, None, (), (), np.zeros(0))
    rows = np.arange(len(plain.shifted.scores.score))
    choice = TrayChoice(8, known_normal=True)
    return plain._replace(shifted=domain(adapted), adapted=AdaptedDomain(choice, found, plain.shifted, rows))


@pytest.mark.parametrize(
    ("before", "shifted", "words"),
    [
        (GOOD, CHANCE, "AUROC 0.50 instead of 1.00"),
        (FAIR, GOOD, "AUROC 1.00 instead of 0.90"),
        (FAIR, FAIR, "AUROC 0.90, as in-distribution"),
    ],
)
def test_what_the_shift_did_is_stated(before, shifted, words):
    assert summary_sentence(VIEW, [result(before=before, shifted=shifted)]).endswith(f"from the rest with {words}.")


@pytest.mark.parametrize(
    ("unmatched", "words"),
    [
        (0.5, "; FDM raises it by 0.40."),
        (1.0, "; FDM lowers it by 0.10."),
        (0.902, "; FDM makes no difference."),
        (None, "(+0.40)."),
    ],
)
def test_what_matching_did_to_a_method_is_stated(unmatched, words):
    both = [result(), result("gnl", shifted=FAIR, style_weight=1.0)]
    assert summary_sentence(VIEW, both, [0.5, unmatched]).endswith(words)


def test_a_method_that_is_not_matched_has_no_words_on_matching():
    assert "FDM" not in summary_sentence(VIEW, [result()], [0.5])


@pytest.mark.parametrize(
    ("adapted", "words"),
    [
        (GOOD, "Adapting to 8 normal images raises RD4AD from 0.90 to 1.00."),
        (CHANCE, "Adapting to 8 normal images lowers RD4AD from 0.90 to 0.50."),
        (FAIR, "Adapting to 8 normal images leaves RD4AD at 0.90."),
    ],
)
def test_what_adapting_did_is_stated(adapted, words):
    assert words in summary_sentence(VIEW, [result(shifted=FAIR, adapted=adapted)], [0.9])


def test_methods_that_gain_and_methods_that_lose_are_kept_apart():
    results = [
        result("rd4ad", shifted=FAIR, adapted=GOOD),
        result("gnl", shifted=FAIR, adapted=CHANCE),
        result("knn", shifted=FAIR, adapted=GOOD),
    ]
    words = "raises RD4AD from 0.90 to 1.00 and kNN from 0.90 to 1.00 and lowers GNL from 0.90 to 0.50."
    assert words in summary_sentence(VIEW, results, [0.9, 0.9, 0.9])


def test_of_many_methods_gains_are_counted_and_the_best_is_named():
    results = [
        result(name, shifted=FAIR, adapted=adapted)
        for name, adapted in zip(("rd4ad", "gnl", "knn", "kdad"), (CHANCE, GOOD, CHANCE, FAIR), strict=True)
    ]
    words = "lowers 2 of 4 methods, raises 1 of 4 methods and does not change 1 of 4 methods; the best, GNL, gets 1.00."
    assert summary_sentence(VIEW, results).endswith(words)


def test_adapting_is_compared_with_the_method_without_matching():
    matched = result("gnl", shifted=FAIR, adapted=GOOD, style_weight=1.0)
    assert "raises GNL from 0.50 to 1.00" in summary_sentence(VIEW, [matched], [0.5])


def test_the_errors_under_the_new_threshold_are_stated():
    sentence = summary_sentence(VIEW, [result(shifted=CHANCE, adapted=FAIR)]).replace("\N{NO-BREAK SPACE}", " ")
    assert sentence.endswith("RD4AD's false alarms go from 0 % to 0 %, its misses from 100 % to 20 %.")


def test_without_anomalies_alarms_are_counted():
    sentence = summary_sentence(VIEW, [result(before=[], shifted=[], adapted=[])])
    assert sentence.endswith(
        "Adapting to 8 normal images chooses new thresholds: of the other 10 images, 0 above that of RD4AD."
    )


def test_the_commands_adapt_and_score_with_the_settings_of_the_page():
    adapted = result("gnl", adapted=GOOD, style_weight=1.0)
    settings = adapted.request.scoring.model_copy(update={"reduction": "mean"})
    adapted = adapted._replace(request=adapted.request._replace(scoring=settings))
    adapt, score = reproducing_command(VIEW._replace(root=Path("my data")), adapted).split(" && ")
    first, second = (build_parser().parse_args(shlex.split(line)[1:]) for line in (adapt, score))
    assert (first.domain, first.count, first.normal, first.reduction) == ("digits_m", "8", True, "mean")
    assert str(first.output) == str(second.adaptation) == "x-digits_m.safetensors"
    assert "style" not in adapt
    assert str(first.data_root) == str(second.data_root) == "my data"
