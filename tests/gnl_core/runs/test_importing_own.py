"""One of our checkpoints, without its folder, becomes a run again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.detectors import create_detector
from gnl_core.files import hash_file
from gnl_core.jobs.listing import read_job
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.imports import import_own


def test_it_has_the_same_weights_and_settings_and_is_finished(trained_run: RunFolder, tmp_path: Path):
    moved = shutil.copy(trained_run.weights, tmp_path / "weights.safetensors")
    folder = import_own(moved, tmp_path / "run")
    assert hash_file(folder.weights) == hash_file(trained_run.weights)
    assert read_config(folder) == read_config(trained_run)
    assert json.loads(folder.origin.read_text())["sha256"] == hash_file(trained_run.weights)
    assert read_job(folder).state == "finished"


def test_a_data_folder_that_is_not_on_this_machine_is_left_open(tiny_config: Callable[..., RunConfig], tmp_path: Path):
    config = tiny_config(detector="knn", data_root=tmp_path / "elsewhere")
    save_checkpoint(tmp_path / "weights.safetensors", create_detector(config), config, epoch=1)
    assert read_config(import_own(tmp_path / "weights.safetensors", tmp_path / "run")).data_root is None


def test_the_command_line_recognises_it_by_its_ending(
    trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["import", str(trained_run.weights), "--run", str(tmp_path / "run")]) == 0
    assert "wrote" in capsys.readouterr().err
    assert hash_file(RunFolder(tmp_path / "run").weights) == hash_file(trained_run.weights)


def test_a_foreign_file_is_refused_and_leaves_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "other.safetensors").write_bytes(b"something else")
    assert main(["import", str(tmp_path / "other.safetensors"), "--run", str(tmp_path / "run")]) != 0
    assert "is damaged or not a checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
