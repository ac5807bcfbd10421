"""Files beside a checkpoint are read again when they change."""

from __future__ import annotations

import os
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from app import checkpoints
from app.checkpoints import BUNDLED, list_checkpoints, saved_scores, saved_shift_scores
from app.controls.checkpoint import describe_checkpoint
from gnl_core.config import scoring_settings
from gnl_core.files import hash_file
from gnl_core.runs.folder import RunFolder, read_config


@pytest.fixture
def bare(tmp_path) -> RunFolder:
    """The bundled run of GNL without the files of its scoring."""
    folder = tmp_path / "bare"
    shutil.copytree(BUNDLED / "digits-4-gnl", folder, ignore=shutil.ignore_patterns("scores.parquet", "report.json"))
    return RunFolder(folder)


def test_scores_written_while_the_app_runs_are_read(bare):
    sha256, scoring = hash_file(bare.weights), scoring_settings(read_config(bare), style_weight=1.0)
    assert saved_scores(bare.weights, sha256, domain="digits", scoring=scoring) is None
    assert saved_shift_scores(bare.weights, sha256) == {}
    for name in ("scores.parquet", "report.json"):
        shutil.copy(BUNDLED / "digits-4-gnl" / name, bare.path / name)
    found = saved_scores(bare.weights, sha256, domain="digits", scoring=scoring)
    assert found is not None
    assert len(found.score) == 719
    assert saved_shift_scores(bare.weights, sha256)


def test_a_list_of_runs_hashes_no_checkpoint_and_each_is_hashed_once(own_runs, bare, monkeypatch):
    shutil.copytree(bare.path, own_runs / "mine")
    hashed = []
    monkeypatch.setattr(checkpoints, "hash_file", lambda file: hashed.append(file) or hash_file(file))
    mine = [next(one for one in list_checkpoints()[0] if not one.bundled) for _ in range(2)]
    assert hashed == []
    assert [one.sha256 for one in mine] == 2 * [hash_file(bare.weights)]
    assert hashed == [own_runs / "mine" / "weights.safetensors"]


def test_a_checkpoint_that_is_no_file_is_reported_in_the_list(own_runs, bare):
    shutil.copytree(bare.path, own_runs / "mine")
    (own_runs / "mine" / "weights.safetensors").unlink()
    (own_runs / "mine" / "weights.safetensors").mkdir()
    listed, problems = list_checkpoints()
    assert all(one.bundled for one in listed)
    assert len(problems) == 1
    assert "weights.safetensors is a folder, where a file is expected" in problems[0]


def test_a_run_with_the_name_of_a_bundled_one_does_not_hide_it(own_runs):
    shutil.copytree(BUNDLED / "digits-4-rd4ad", own_runs / "digits-4-rd4ad")
    page = AppTest.from_string(
        "from app.checkpoints import list_checkpoints\n"
        "from app.controls.checkpoint import select_checkpoint\n"
        "runs = [run for run in list_checkpoints()[0] if run.folder.path.name == 'digits-4-rd4ad']\n"
        "select_checkpoint('rd4ad', runs)\n"
    ).run()
    assert not page.exception
    bundled, own = page.selectbox[0].options
    assert bundled.endswith("bundled") and not own.endswith("bundled")


def test_runs_of_one_minute_have_descriptions_of_their_own(own_runs):
    for second, name in enumerate(("first", "second")):
        shutil.copytree(BUNDLED / "digits-4-rd4ad", own_runs / name)
        os.utime(own_runs / name / "weights.safetensors", (1_700_000_000 + second,) * 2)
    runs = [run for run in list_checkpoints()[0] if not run.bundled]
    assert len({describe_checkpoint(run) for run in runs}) == len(runs) == 2
