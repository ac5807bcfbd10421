"""Scores under an adaptation, computed, saved and read back."""

from __future__ import annotations

import numpy as np
import pytest

from gnl_core.config import scoring_settings
from gnl_core.runs.adapted_domains import adapt_and_score
from gnl_core.runs.adapted_scores import Entry, TrayChoice, read_adapted, save_adapted
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run
from gnl_core.runs.training import train_run
from gnl_core.runs.trays import compose, is_drawable

FOUR_NORMAL_TWENTY_ANOMALOUS = np.array([0] * 4 + [1] * 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_config) -> Run:
    config = tiny_config(detector="rd4ad")
    folder = create_run(tmp_path_factory.mktemp("runs") / "run", config)
    list(train_run(config, folder))
    return load_run(folder)


@pytest.mark.parametrize(("size", "normal", "anomalous"), [(4, 4, 0), (8, 7, 1), (16, 14, 2), (32, 29, 3)])
def test_a_tenth_of_a_tray_is_anomalous(size, normal, anomalous):
    assert compose(size, known_normal=False) == (normal, anomalous)
    assert compose(size, known_normal=True) == (size, 0)


def test_a_domain_gives_at_most_half_of_its_images_of_a_kind():
    assert not is_drawable(FOUR_NORMAL_TWENTY_ANOMALOUS, count=4, known_normal=True)
    assert is_drawable(np.array([0] * 8), count=4, known_normal=True)
    assert not is_drawable(np.array([0] * 80), count=8, known_normal=False)  # there is no anomaly to draw
    assert not is_drawable(np.full(80, -1), count=4, known_normal=True)  # without labels, nothing can be drawn


def test_adapting_scores_every_image_that_is_not_in_the_tray(run):
    choice = TrayChoice(4, known_normal=True)
    adapted = adapt_and_score(run, "digits_m", scoring_settings(run.config, style_weight=0.0), choice)
    every = {item.path: item.label for item in list_domain(run.config, "digits_m")}
    assert {every[path] for path in adapted.tray} == {0}
    assert len(adapted.tray) == 4
    assert sorted((*adapted.tray, *adapted.paths)) == sorted(every)
    assert len(adapted.score) == len(adapted.paths)
    assert adapted.threshold.promised_rate == pytest.approx(1 / 5)


def test_saved_adaptations_come_back_until_the_checkpoint_changes(run, tmp_path):
    folder = RunFolder(tmp_path)
    folder.weights.write_bytes(b"first")
    scoring, choice = scoring_settings(run.config, style_weight=0.0), TrayChoice(8)
    adapted = adapt_and_score(run, "digits_m", scoring, choice)
    every = [item.path for item in list_domain(run.config, "digits_m")]
    save_adapted(folder, [Entry("digits_m", scoring, choice, adapted)], images={"digits_m": every})
    (found,) = read_adapted(folder)
    assert found[:3] == ("digits_m", scoring, choice)
    assert found.adapted.ways == adapted.ways
    assert (found.adapted.tray, found.adapted.paths) == (adapted.tray, adapted.paths)
    assert found.adapted.score == pytest.approx(adapted.score, abs=1e-5)
    folder.weights.write_bytes(b"second")
    assert read_adapted(folder) == []
