"""All methods on Explore."""

from io import StringIO
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from app.checkpoints import BUNDLED, Checkpoint
from app.controls.settings import number_bounds
from app.controls.training import SETTINGS
from app.controls.view import View
from app.display.pictures import TILE_PX
from app.display.provenance import command
from app.methods import OWN_STRENGTHS, REVERSE_DISTILLATION, WITHOUT_TEACHER, YARDSTICKS, in_order
from app.scoring import ScoringRequest, ScoringResult, measure_domain
from app.screens.explore.downloads import picture, scores_csv
from app.screens.explore.figures import comparable_scores
from app.screens.explore.summary import summary_sentence
from app.screens.explore.tiles import compose_tile
from gnl_core.config import RunConfig, scoring_settings
from gnl_core.datasets import DATASETS
from gnl_core.detectors import DETECTORS, find_method, method_fields
from gnl_core.detectors.base import Detector
from gnl_core.names import DETECTOR_NAMES
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from tests.app.conftest import charts, panels
from tests.app.conftest import finding as finding_on

VIEW = View("digits", "4", None, DATASETS["digits"], "digits_m", ("rd4ad",))


def answered(detector, *, normal, anomalous):
    """A result whose two domains have these scores; the threshold is 1."""
    config = RunConfig(detector=detector)
    checkpoint = Checkpoint(RunFolder(BUNDLED / "digits-4-rd4ad"), config, None)
    label = np.repeat([0, 1], [len(normal), len(anomalous)])
    text = np.full(len(label), "x")
    scores = Scores(np.array([*normal, *anomalous], dtype=float), label, text, text, text)
    domain = measure_domain(scores, 1.0)
    return ScoringResult(
        ScoringRequest(checkpoint, scoring_settings(config, style_weight=0.0)), scores, 1.0, 0, domain, domain
    )


def test_every_method_has_a_name():
    assert set(DETECTORS) == set(DETECTOR_NAMES)


def test_matching_is_offered_for_the_methods_that_can_match():
    assert {name for name in DETECTORS if not find_method(name).matches} == set(WITHOUT_TEACHER)


def test_the_methods_own_strengths_equal_those_of_the_detectors():
    own = {name: find_method(name).style_weight for name in DETECTORS}
    assert {name: strength for name, strength in own.items() if strength} == OWN_STRENGTHS


def test_reverse_distillation_lists_the_methods_whose_score_is_their_reduced_map():
    assert {name for name in DETECTORS if find_method(name).reduces_map} == set(REVERSE_DISTILLATION)


def test_yardsticks_are_the_methods_without_losses():
    assert {name for name in DETECTORS if find_method(name).losses is Detector.losses} == set(YARDSTICKS)


def test_methods_have_one_order_regardless_of_the_choice():
    assert in_order(["knn", "gnl", "rd4ad"]) == ("rd4ad", "gnl", "knn")


def test_a_leading_method_without_training_is_mentioned():
    rd4ad = answered("rd4ad", normal=[0, 3], anomalous=[1, 2])  # AUROC 0.5
    knn = answered("knn", normal=[0, 0], anomalous=[1, 1])  # AUROC 1
    assert summary_sentence(VIEW, [rd4ad, knn]).endswith(
        "kNN gets 1.00 (+0.50). kNN needs no training and beats RD4AD."
    )
    assert "needs no training" not in summary_sentence(VIEW, [knn, rd4ad._replace(shifted=knn.shifted)][::-1])


def test_of_many_methods_the_best_is_named():
    worse = [answered(name, normal=[0, 3], anomalous=[1, 2]) for name in ("rd4ad", "gnl", "kdad")]
    best = answered("deep_svdd", normal=[0, 0], anomalous=[1, 1])
    assert "The best of 3 others, Deep SVDD, gets 1.00 (+0.50)." in summary_sentence(VIEW, [*worse, best])


def test_only_comparable_scores_share_an_axis():
    results = [answered(name, normal=[0], anomalous=[1]) for name in ("rd4ad", "gnl", "knn")]
    assert [len(comparable_scores(found, results)) for found in results] == [4, 4, 2]


def test_the_command_has_flags_only_for_changed_settings_and_quotes_paths():
    found = answered("rd4ad", normal=[0], anomalous=[1])
    checkpoint = found.request.checkpoint
    checkpoint = checkpoint._replace(folder=RunFolder(Path("runs/my run")))
    scoring = scoring_settings(checkpoint.config, style_weight=0.5, reduction="top")
    line = command(VIEW, checkpoint, scoring)
    assert line == "gnl score 'runs/my run' --domain digits_m --style-weight 0.5 --reduction top"


def test_a_tile_without_a_map_says_scores_only():
    from app.compute import Tile

    black = np.zeros((4, 4, 3), dtype=np.uint8)
    with_map = compose_tile(Tile(black, np.zeros((4, 4), dtype=np.float32), None), upper=1.0)
    without = compose_tile(Tile(black, None, None), upper=1.0)
    assert {part.shape for part in with_map + without} == {(TILE_PX, TILE_PX, 3)}
    assert len(np.unique(without[1].reshape(-1, 3), axis=0)) > 2  # letters on a ground
    assert len(np.unique(with_map[1].reshape(-1, 3), axis=0)) == 1


RECORDS = [(name, RunConfig) for name in SETTINGS]
RECORDS += [(name, find_method(method).settings_type) for method in DETECTORS for name in method_fields([method])]


@pytest.mark.parametrize(("name", "record"), RECORDS)
def test_every_setting_of_the_form_is_a_field_whose_bounds_are_accepted(name, record):
    field = record.model_fields[name]
    if field.annotation in (int, float) or int in get_args(field.annotation):
        low, high, _ = number_bounds(field)
        assert record(**{name: low})
        assert high is None or record(**{name: high})


def test_knn_shows_scores_only_and_can_be_matched(open_page, train):
    train(detector="knn")
    page = open_page(methods="kNN")
    assert not page.exception
    assert "kNN separates 4 from the rest" in finding_on(page)
    assert any("scores only" in caption.value for caption in page.caption)
    assert "map_scale" not in page.session_state
    before = finding_on(page)
    page.toggle(key="fdm_knn").set_value(True).run()
    assert not page.error
    assert finding_on(page) != before


@pytest.mark.usefixtures("trained_at_once")
def test_a_yardstick_is_built_and_not_trained(open_page):
    page = open_page(normal="7", methods="kNN")
    page.selectbox(key="train_detector").set_value("knn")
    page.selectbox(key="train_size").set_value(32).run()
    assert page.button[0].label == "Build kNN from the normal images"
    page.button[0].click().run()
    assert not page.exception
    assert "kNN separates 7 from the rest" in finding_on(page)


@pytest.mark.usefixtures("trained_at_once")
def test_a_method_that_was_just_trained_is_chosen(open_page):
    page = open_page()
    page.selectbox(key="train_detector").set_value("knn")
    page.selectbox(key="train_size").set_value(32).run()
    page.button[0].click().run()
    assert not page.exception
    assert set(page.multiselect(key="methods").value) == {"rd4ad", "gnl", "knn"}
    assert len(panels(page)) == 6  # two histograms for each method
    assert not charts(page)  # no losses, as it trains nothing


def test_an_empty_choice_of_methods_is_reported(open_page):
    page = open_page()
    page.multiselect(key="methods").set_value([]).run()
    assert not page.exception
    assert "No method is selected" in page.info[0].value


def test_the_reduction_setting_changes_the_scores(open_page):
    page = open_page(methods="RD4AD")
    before = finding_on(page)
    page.selectbox(key="reduction").set_value("mean").run()
    assert not page.exception
    assert not page.error
    assert finding_on(page) != before
    assert any("--reduction mean" in caption.value for caption in page.caption)


def test_the_csv_has_a_row_for_each_image_domain_and_method():
    found = [answered("rd4ad", normal=[0, 3], anomalous=[2]), answered("knn", normal=[0.5], anomalous=[1.5])]
    rows = pd.read_csv(StringIO(scores_csv(found)))
    assert rows.method.tolist() == 6 * ["rd4ad"] + 4 * ["knn"]
    assert rows.score.tolist() == [0, 3, 2, 0, 3, 2, 0.5, 1.5, 0.5, 1.5]
    assert rows.above_threshold.tolist() == [False, True, True, False, True, True, False, True, False, True]


@pytest.mark.parametrize(("ending", "beginning"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_charts_are_rendered_in_both_formats(ending, beginning):
    found = answered("rd4ad", normal=[0, 3], anomalous=[1, 2])
    assert picture([found], ("as written", "blended"), ending=ending).startswith(beginning)
