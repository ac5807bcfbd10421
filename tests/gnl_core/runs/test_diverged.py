"""Trainings that diverge, and diverged runs of older versions."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core import training as loop
from gnl_core.cli import main
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors import DETECTORS, create_detector
from gnl_core.files import UnreadableFileError
from gnl_core.finite import DivergedError
from gnl_core.jobs.listing import read_job
from gnl_core.jobs.start import open_unfinished
from gnl_core.jobs.status import Status, write_status
from gnl_core.jobs.worker import train_as_job
from gnl_core.records import Scores
from gnl_core.runs import diverged
from gnl_core.runs.checkpoints import load_checkpoint, save_checkpoint
from gnl_core.runs.folder import RunFolder, create_run, read_records
from gnl_core.runs.imports import import_own
from gnl_core.runs.scores import save_scores
from gnl_core.runs.scoring import load_run
from gnl_core.runs.training import advance_run, train_run
from gnl_core.runs.tuning import score_aurocs
from gnl_core.scoring import measure_shift

Make = Callable[..., RunConfig]
Poison = Callable[..., None]
LEARNERS = [name for name in DETECTORS if name not in ("knn", "patchcore")]
NOT_FINITE = [float("nan"), float("inf")]
REFUSED = "this run diverged .* holds numbers that are not finite.*; train it again with a smaller --learning-rate"


@pytest.mark.parametrize("detector", LEARNERS)
def test_a_last_step_that_is_far_too_large_ends_the_training_and_leaves_no_run(
    detector: str, tiny_config: Make, tmp_path: Path
):
    config = tiny_config(detector=detector, limit=8, learning_rate=1e4)
    folder = create_run(tmp_path / "run", config)
    with pytest.raises(DivergedError, match=r"^training diverged: .* in epoch 1; use a smaller --learning-rate$"):
        list(train_run(config, folder))
    assert not folder.path.exists()


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that makes the step of a given number, from 1, leave a weight that is not finite."""

    def make(number: int) -> None:
        real, steps = loop.train_step, []

        def step(training: loop.Training, batch: object) -> dict[str, float]:
            losses = real(training, batch)
            steps.append(losses)
            if len(steps) == number:
                next(p for p in training.detector.parameters() if p.requires_grad).data.view(-1)[0] = float("nan")
            return losses

        monkeypatch.setattr(loop, "train_step", step)

    return make


@pytest.fixture
def config(tiny_config: Make) -> RunConfig:
    """Three epochs of two batches."""
    return tiny_config(detector="deep_svdd", epochs=3, limit=12, keep_epochs=True)


def test_the_last_good_checkpoint_is_kept_and_the_run_is_marked_as_diverged(
    config: RunConfig, tmp_path: Path, spoil: Callable[[int], None]
):
    spoil(6)
    folder = create_run(tmp_path / "run", config)
    with pytest.raises(DivergedError, match=r"epoch 3; use a smaller --learning-rate; the checkpoint of epoch 2 is ke"):
        list(train_as_job(config, folder))
    load_run(folder, device="cpu")
    assert folder.weights.read_bytes() == folder.epoch(2).weights.read_bytes()
    assert not folder.epoch(3).path.exists()
    assert not folder.state.exists()
    assert [record.epoch for record in read_records(folder)] == [1, 2]
    job = read_job(folder)
    assert (job.state, job.epochs_done) == ("diverged", 2)
    assert str(job.reason).startswith("training diverged: ")


def test_a_run_that_diverged_is_not_resumed(config: RunConfig, tmp_path: Path, spoil: Callable[[int], None]):
    spoil(3)
    folder = create_run(tmp_path / "run", config)
    with pytest.raises(DivergedError):
        list(train_as_job(config, folder))
    with pytest.raises(ValueError, match=f"{folder.path} diverged, and would diverge again with the same settings"):
        open_unfinished(folder, {})


@pytest.mark.parametrize("way", ["stopped", "due"])
def test_a_state_that_is_not_finite_is_never_saved(
    way: str, config: RunConfig, tmp_path: Path, spoil: Callable[[int], None]
):
    spoil(3)
    due = config.model_copy(update={"save_minutes": 1e-9})
    folder, asked = create_run(tmp_path / "run", config), iter([False, False, True])
    with pytest.raises(DivergedError, match="not finite in epoch 2"):
        if way == "due":
            list(advance_run(due, folder))
        else:
            list(advance_run(config, folder, stop=lambda: next(asked)))
    load_run(folder, device="cpu")
    assert not folder.state.exists()


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_checkpoint_that_is_not_finite_is_refused(
    value: float, trained_run: RunFolder, tmp_path: Path, poison: Poison
):
    weights = Path(shutil.copy(trained_run.weights, tmp_path / "w.safetensors"))
    poison(weights, value)
    with pytest.raises(DivergedError, match=REFUSED) as refusal:
        load_checkpoint(weights, device="cpu")
    assert str(refusal.value).startswith(str(weights))
    with pytest.raises(DivergedError, match=REFUSED):
        import_own(weights, tmp_path / "imported")
    assert not (tmp_path / "imported").exists()


def test_a_checkpoint_that_is_not_finite_is_never_written(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd")
    detector = create_detector(config)
    save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=1)
    before = (tmp_path / "w.safetensors").read_bytes()
    detector.centre.fill_(float("inf"))
    with pytest.raises(DivergedError, match="centre holds numbers that are not finite"):
        save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=2)
    assert (tmp_path / "w.safetensors").read_bytes() == before


def test_numbers_beyond_16_bits_are_not_stored_in_them(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd", stored_precision="float16")
    detector = create_detector(config)
    detector.centre.fill_(65504)  # the largest number of 16 bits
    save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=1)
    detector.centre.fill_(70000)
    with pytest.raises(
        ValueError, match=r"centre holds numbers beyond the range of float16.* --stored-precision float3"
    ):
        save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=2)


@pytest.fixture
def poisoned(trained_run: RunFolder, tmp_path: Path, poison: Poison) -> RunFolder:
    """A finished run of an older version whose weights are not finite."""
    folder = RunFolder(Path(shutil.copytree(trained_run.path, tmp_path / "old")))
    poison(folder.weights)
    return folder


@pytest.mark.parametrize("command", [("score",), ("tune", "--output", "preset.json"), ("export", "--onnx", "x.onnx")])
def test_the_command_line_refuses_a_run_of_an_older_version_that_diverged(
    command: tuple[str, ...], poisoned: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(poisoned.path.parent)
    assert main([command[0], str(poisoned.path), *command[1:]]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (said,) = printed.err.splitlines()
    assert "this run diverged" in said
    assert sorted(path.name for path in poisoned.path.parent.iterdir()) == ["old"]


def test_runs_are_listed_as_diverged_by_their_weights(poisoned: RunFolder, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", str(poisoned.path.parent)]) == 0
    _, line, reason = capsys.readouterr().out.splitlines()
    assert line.split()[:2] == ["old", "diverged"]
    assert reason.strip().startswith("this run diverged (its checkpoint holds numbers that are not finite)")


def make_scores(*values: float) -> Scores:
    names = np.array([str(row) for row in range(len(values))])
    label = np.arange(len(values)) % 2
    return Scores(np.array(values), label, np.array(["digits"] * len(values)), category=names, path=names)


def test_runs_are_listed_as_diverged_by_their_saved_scores(trained_run: RunFolder, tmp_path: Path):
    folder = RunFolder(Path(shutil.copytree(trained_run.path, tmp_path / "old")))
    assert read_job(folder).state == "finished"
    save_scores(folder, make_scores(0.5, float("nan"), 1.0), ScoringConfig())
    job = read_job(folder)
    assert (job.state, job.reason) == (
        "diverged",
        "this run diverged (1 of 3 scores are not finite); train it again with a smaller --learning-rate",
    )


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_one_number_that_is_not_finite_is_found_in_either_precision(
    precision: str, tiny_config: Make, tmp_path: Path, poison: Poison
):
    config, weights = tiny_config(detector="deep_svdd", stored_precision=precision), tmp_path / "w.safetensors"
    save_checkpoint(weights, create_detector(config), config, epoch=1)
    assert diverged.weights_are_finite(weights)
    poison(weights, float("-inf"))
    assert not diverged.weights_are_finite(weights)


def test_a_checkpoint_with_numbers_that_we_never_write_cannot_be_read(trained_run: RunFolder, tmp_path: Path):
    weights = tmp_path / "w.safetensors"
    with safe_open(trained_run.weights, framework="pt") as file:
        metadata = file.metadata()
    save_file({"centre": torch.zeros(3, dtype=torch.bfloat16)}, weights, metadata=metadata)
    with pytest.raises(UnreadableFileError, match="bfloat16"):
        diverged.weights_are_finite(weights)
    pytest.importorskip("ml_dtypes")  # as ONNX's packages import it, adds bfloat16 to NumPy
    with pytest.raises(UnreadableFileError, match="bfloat16"):
        diverged.weights_are_finite(weights)


def test_a_run_is_read_once_for_each_version_of_its_files(
    trained_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    reads = []
    monkeypatch.setattr(diverged, "weights_are_finite", lambda file: reads.append(file.name) or True)
    monkeypatch.setattr(diverged, "count_diverged_scores", lambda folder: reads.append(folder.scores.name) or (0, 0))
    assert [diverged.why_diverged(run) for _ in range(3)] == [None] * 3
    once = list(reads)
    run.scores.write_bytes(b"other")
    assert diverged.why_diverged(run) is None
    assert reads == [*once, "weights.safetensors", "scores.parquet"]
    assert once.count("weights.safetensors") == 1


def test_weights_that_a_finished_training_checked_are_not_read_again_unless_they_are_newer(
    trained_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = RunFolder(Path(shutil.copytree(trained_run.path, tmp_path / "run")))
    read: list[Path] = []
    monkeypatch.setattr(diverged, "weights_are_finite", lambda file: bool(read.append(file)))
    write_status(run, Status(state="finished"))
    assert read_job(run).state == "finished"
    assert not read
    later = time.time() + 60
    os.utime(run.weights, (later, later))
    assert read_job(run).state == "diverged"
    assert read == [run.weights]


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: b"x" * len(content)])
def test_a_checkpoint_that_was_damaged_after_its_training_finished_is_named(
    damage: Callable[[bytes], bytes], trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = RunFolder(Path(shutil.copytree(trained_run.path, tmp_path / "run")))
    written = run.weights.stat().st_mtime
    run.weights.write_bytes(damage(run.weights.read_bytes()))
    os.utime(run.weights, (written, written))  # as after a copy that keeps times
    write_status(run, Status(state="finished"))
    assert main(["runs", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert f"gnl: {run.weights} is damaged or not a checkpoint" in printed.err
    assert "finished" not in printed.out


def test_a_tuning_refuses_scores_that_are_not_finite(trained_run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    run = load_run(trained_run, device="cpu")
    monkeypatch.setattr("gnl_core.runs.tuning.score_each", lambda *_: [make_scores(0.5, float("nan"))])
    with pytest.raises(DivergedError, match=r"the gnl run of seed 0: this run diverged \(1 of 2 scores are not finite"):
        score_aurocs(run, [], [ScoringConfig()])


def test_features_that_are_not_finite_have_no_shift(trained_run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    run = load_run(trained_run, device="cpu")
    monkeypatch.setattr(type(run.detector.references), "measure_shift", lambda *_: float(torch.tensor(torch.nan)))
    assert measure_shift(run.detector, []) is None
