"""Files beside a checkpoint are read again when they change."""

from __future__ import annotations

import shutil

import pytest

from app.checkpoints import BUNDLED, saved_scores, saved_shift_scores
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
