"""Adapting to each severity on the page Shift lab, without a browser."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from app.checkpoints import BUNDLED, kept_adapted, list_checkpoints
from app.scoring import make_request
from app.sources import adapted_key, source_of
from gnl_core.adaptation.choice import Ways
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import read_saved_scores
from tests.app.conftest import charts, texts

NORMAL = "adapt to k normal images"
TRAY = 4
NOISE = ["digits", *(f"digits+gaussian_noise:{step}" for step in range(1, 6))]


@pytest.fixture
def open_lab(open_screen):
    return partial(open_screen, "shift_lab", methods="RD4AD", adapt=NORMAL, tray=TRAY)


def saved(domain):
    """Paths, labels and scores without matching."""
    rows = read_saved_scores(RunFolder(BUNDLED / "digits-4-rd4ad"))
    here = (rows["domain"] == domain) & (rows["style_weight"] == 0.0)
    return rows["path"][here].astype(str), rows["label"][here], rows["score"][here]


@pytest.fixture
def already_adapted(monkeypatch):
    """A function that stands in for adapting: every anomaly's score rises by 0.1 at the domains named, and at no other.

    What comes with the bundled run is not read.
    """
    monkeypatch.setattr("app.adaptation.saved_adapted", lambda *_, **__: None)
    request = make_request(
        next(one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"), style_weight=0.0
    )
    source, choice, before = source_of(request.checkpoint), TrayChoice(TRAY, known_normal=True), dict(kept_adapted())

    def keep(domains):
        for number, domain in enumerate(domains):
            paths, labels, scores = saved(domain)
            key = adapted_key(source, domain=domain, scoring=request.scoring, choice=choice)
            tray = np.flatnonzero(labels == 0)[:TRAY]
            kept_adapted()[key] = AdaptedScores(
                ways=Ways(standardise=number > 1, reason="as a test wants it"),
                threshold=RecalibratedThreshold(1.0, promised_rate=0.2, assumed_share=None, n=TRAY),
                warning=None,
                tray=tuple(paths[tray]),
                paths=tuple(np.delete(paths, tray)),
                score=np.delete(scores + 0.1 * labels, tray),
            )

    yield keep
    kept_adapted().clear()
    kept_adapted().update(before)


def curves(page):
    """AUROC by the name of the curve."""
    (figure,) = charts(page)
    return {trace["name"]: trace["y"] for trace in figure["data"] if trace.get("yaxis", "y") == "y"}


def button(page):
    return next((found for found in page.button if found.key == "score_severities"), None)


@pytest.mark.parametrize("data", ["Digits", "Parts (rendered)"])
@pytest.mark.parametrize("tray", [4, 8, 16])
def test_the_bundled_runs_come_adapted_to_each_severity_of_noise(open_lab, data, tray):
    page = open_lab(data=data, tray=tray, methods=["RD4AD", "GNL"])
    assert not page.exception
    assert [len(values) for values in curves(page).values()] == [6] * 4
    assert button(page) is None


def test_both_curves_are_of_the_images_that_are_not_adapted_to(open_lab, already_adapted):
    already_adapted(NOISE)
    page = open_lab()
    assert not page.exception
    assert not page.error
    found = curves(page)
    assert list(found) == ["RD4AD", "RD4AD, adapted"]
    paths, labels, scores = saved(NOISE[3])
    kept = np.delete(np.arange(len(paths)), np.flatnonzero(labels == 0)[:TRAY])
    assert found["RD4AD"][3] == pytest.approx(roc_auc_score(labels[kept], scores[kept]))
    assert found["RD4AD, adapted"][3] == pytest.approx(roc_auc_score(labels[kept], (scores + 0.1 * labels)[kept]))
    assert button(page) is None


def test_the_sentence_the_ways_and_the_commands_are_those_of_adapting(open_lab, already_adapted):
    already_adapted(NOISE)
    page = open_lab()
    assert any("Adapting to 4 images changes it by +0." in text for text in texts(page))
    assert any(
        "RD4AD: only the threshold changes (unchanged, 1); anomaly maps are standardised by position (2, 3, 4, 5)."
        in text
        for text in texts(page)
    )
    commands = page.code[0].value.splitlines()
    assert commands[1].startswith("gnl adapt assets/checkpoints/digits-4-rd4ad --domain digits --count 4 --normal ")
    assert len(commands) == 1 + 2 * len(NOISE)


def test_missing_severities_are_adapted_to_on_request_and_kept(open_lab, already_adapted):
    already_adapted(NOISE[:-1])
    page = open_lab()
    assert [len(values) for values in curves(page).values()] == [6, 5]
    assert button(page).label.startswith("Adapt 1 method to 1 severity, about ")
    button(page).click().run()
    assert not page.exception
    assert not page.error
    assert [len(values) for values in curves(page).values()] == [6, 6]
    assert button(page) is None
    assert curves(open_lab()) == curves(page)


def test_as_it_is_the_curves_are_those_of_matching(open_lab, already_adapted):
    already_adapted(NOISE)
    page = open_lab()
    page.selectbox(key="adapt").set_value("as it is").run()
    assert list(curves(page)) == ["RD4AD", "RD4AD + FDM 1"]
    assert not any("adapted to separately" in text for text in texts(page))


def test_a_run_that_cannot_be_adapted_is_reported_in_one_sentence(open_lab, train):
    train(detector="rd4ad", normal_class="7", stored_references=0)
    page = open_lab(normal="7")
    button(page).click().run()
    assert not page.exception
    (error,) = page.error
    assert error.value.startswith("This cannot be shown: this checkpoint keeps no references")
