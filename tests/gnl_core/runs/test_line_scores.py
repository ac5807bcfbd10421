"""Scores of the example line, saved and read back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gnl_core.adaptation.following import FixedThreshold
from gnl_core.config import RunConfig
from gnl_core.datasets.parts.line import list_shots
from gnl_core.files import UnreadableFileError, hash_file
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.followed import ScoredLine
from gnl_core.runs.line_scores import read_line, save_line

CONFIG = RunConfig(dataset="parts", normal_class="nut", detector="rd4ad")
NAMES = tuple(shot.name for shot in list_shots())
BLOCKS = -(-len(NAMES) // 50)
SCORED = ScoredLine(
    names=NAMES,
    score=np.linspace(1.0, 2.0, len(NAMES)),
    fixed=FixedThreshold(1.5, 1.1, CONFIG.threshold_quantile, 12),
    block=50,
    shift_scores=(0.4,) * (BLOCKS - 1) + (None,),
    no_shift_score=None,
)


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path)
    run.weights.write_bytes(b"first")
    save_line(run, SCORED, CONFIG)
    return run


def test_saved_scores_come_back(folder: RunFolder):
    read = read_line(folder, CONFIG, hash_file(folder.weights))
    assert read is not None
    assert read.score == pytest.approx(SCORED.score, abs=1e-5)
    assert read._replace(score=SCORED.score) == SCORED


def test_scores_of_another_checkpoint_or_other_settings_are_not_read(folder: RunFolder, tmp_path):
    current = hash_file(folder.weights)
    assert read_line(folder, CONFIG, "0" * 64) is None
    for changed in ({"style_weight": 0.5}, {"threshold_quantile": 0.9}):
        assert read_line(folder, CONFIG.model_copy(update=changed), current) is None
    assert read_line(RunFolder(tmp_path / "other"), CONFIG, current) is None


def test_scores_of_another_line_are_not_read(folder: RunFolder):
    saved = json.loads(folder.line.read_text())
    folder.line.write_text(json.dumps(saved | {"names": [f"x{name}" for name in saved["names"]]}))
    assert read_line(folder, CONFIG, hash_file(folder.weights)) is None


@pytest.mark.parametrize(
    "change", [{"score": [1.0]}, {"score": ["a"]}, {"block": 0}, {"block": 7}, {"fixed": None}, {"names": 3}]
)
def test_damaged_scores_are_refused_in_one_sentence(folder: RunFolder, change: dict[str, object]):
    folder.line.write_text(json.dumps(json.loads(folder.line.read_text()) | change))
    with pytest.raises(UnreadableFileError, match=r"line\.json cannot be read: .*; remove it"):
        read_line(folder, CONFIG, hash_file(folder.weights))
