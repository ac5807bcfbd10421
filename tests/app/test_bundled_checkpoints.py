"""The files in assets/checkpoints equal what the current code computes."""

import os
import subprocess
import sys

import numpy as np
import pytest

from app import PROJECT
from app.checkpoints import BUNDLED
from gnl_core.config import scoring_settings
from gnl_core.datasets.parts.line import line_items
from gnl_core.runs.domains import TRAIN
from gnl_core.runs.folder import RunFolder, read_records
from gnl_core.runs.following import fix_threshold
from gnl_core.runs.line_scores import read_line
from gnl_core.runs.scores import find_scores
from gnl_core.runs.scoring import load_domain, load_run, resolve_scoring, scoring_batches
from gnl_core.scoring import score, score_each

LARGEST_BYTES = 8_000_000
LARGEST_ASSETS_BYTES = 30_000_000
GREY_LEVELS = 5e-3  # in scores: a rendered pixel may be the next grey level on another processor
NAMES = ("digits-4-rd4ad", "digits-4-gnl", "parts-nut-rd4ad", "parts-nut-gnl")


@pytest.mark.parametrize("name", NAMES)
def test_bundled_scores_equal_those_of_their_checkpoint(name):
    folder = RunFolder(BUNDLED / name)
    run = load_run(folder, device="cpu")
    scorings = [scoring_settings(run.config, style_weight=style_weight) for style_weight in (0.0, 1.0)]
    for scoring, fresh in zip(scorings, score_each(run.detector, load_domain(run, TRAIN), scorings), strict=True):
        kept = find_scores(folder, domain=TRAIN, scoring=scoring)
        assert kept is not None
        assert list(kept.path) == list(fresh.path)
        np.testing.assert_allclose(
            kept.score,
            fresh.score,
            atol=GREY_LEVELS if name.startswith("parts") else 1e-4,
            err_msg=f"style_weight {scoring.style_weight}",
        )


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("parts")])
def test_bundled_scores_of_the_example_line_equal_those_of_their_checkpoint(name):
    folder = RunFolder(BUNDLED / name)
    run = load_run(folder, device="cpu")
    saved = read_line(folder, run.config, run.sha256)
    scoring = resolve_scoring(run)
    fixed = fix_threshold(run, scoring, quantile=run.config.threshold_quantile)
    assert saved.fixed == pytest.approx(fixed, abs=GREY_LEVELS)
    every = slice(0, None, 30)
    fresh = score(run.detector, scoring_batches(line_items()[every], run.config), scoring)
    assert list(fresh.path) == list(saved.names[every])
    np.testing.assert_allclose(saved.score[every], fresh.score, atol=GREY_LEVELS)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_checkpoint_is_small_and_completely_trained(name):
    folder = RunFolder(BUNDLED / name)
    assert folder.weights.stat().st_size <= LARGEST_BYTES
    assert len(read_records(folder)) == load_run(folder, device="cpu").config.epochs


def test_the_bundled_files_are_small():
    assert sum(file.stat().st_size for file in BUNDLED.parent.rglob("*")) <= LARGEST_ASSETS_BYTES


def test_bundled_results_are_shown_without_pytorch_and_pandas(own_runs):
    code = """
import sys
from app.scoring import compute_result, make_request
from app.shift_scores import shift_score_of
from app.checkpoints import list_checkpoints
from app.lines import EXAMPLE_TASK, saved_example
from app.screens.follow.page import page
from gnl_core.datasets import DATASETS
from gnl_core.runs.followed import FollowSettings, let_follow
for checkpoint in list_checkpoints()[0]:
    if checkpoint.task == EXAMPLE_TASK:
        let_follow(saved_example(checkpoint), FollowSettings())
    spec = DATASETS[checkpoint.config.dataset]
    for shifted in spec.shifted:
        compute_result(make_request(checkpoint, style_weight=1.0), spec=spec, shifted=shifted)
        assert shift_score_of(checkpoint, shifted) > shift_score_of(checkpoint, spec.in_distribution)
print({"torch", "pandas"} & set(sys.modules))
"""
    environment = os.environ | {"GNL_RUNS": str(own_runs)}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, check=True, cwd=PROJECT, env=environment, capture_output=True, text=True).stdout
    assert told == "set()\n"
