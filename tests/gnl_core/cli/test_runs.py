from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.cli import train as train_module
from gnl_core.cli.runs import duration
from gnl_core.config import RunConfig
from gnl_core.jobs.locks import holding
from gnl_core.jobs.status import Status, write_status
from gnl_core.runs.folder import RunFolder, create_run, read_config, read_records

TINY = ["--limit=12", "--batch-size=8", "--epochs=2", "--image-size=32", "--detector=deep_svdd", "--device=cpu"]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run that trains, in this process, and one that has failed."""
    running = create_run(tmp_path / "one", RunConfig(epochs=20))
    failed = create_run(tmp_path / "two", RunConfig())
    said = Status(state="running", pid=1, losses={"a": 0.5, "b": 0.25}, images_per_second=12.34, seconds_left=150)
    write_status(running, said)
    write_status(failed, Status(state="failed", pid=1, reason="there is no room on the disk"))
    failed.log.write_text("epoch 1 of 10: a 1.0\ngnl: there is no room on the disk\n")
    with holding(running.lock):
        yield tmp_path


def test_runs_are_listed_one_per_line_with_the_reason_below(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "run  state    epoch  losses              images/s  left",
        "one  running  0/20   a 0.5000, b 0.2500  12.3      2 min",
        "two  failed   0/10   -                   -         -",
        "  there is no room on the disk",
    ]


def test_runs_are_listed_as_json(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", str(runs), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert (first["run"], first["state"], first["losses"]) == (str(runs / "one"), "running", {"a": 0.5, "b": 0.25})
    assert (second["epochs_done"], second["epochs"], second["reason"]) == (0, 10, "there is no room on the disk")


def test_a_folder_without_runs_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}; train one with gnl train\n"


def test_a_log_is_printed(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", "--log", str(runs / "two")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "gnl: there is no room on the disk"


@pytest.mark.parametrize(("answer", "is_deleted"), [("y\n", True), ("n\n", False), ("", False)])
def test_a_run_is_deleted_only_after_confirmation(
    runs: Path, answer: str, is_deleted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["runs", "--delete", str(runs / "two")]) == 0
    assert (runs / "two").exists() is not is_deleted
    assert f"delete all files of the run {runs / 'two'}? [y/N]" in capsys.readouterr().err


def test_a_run_that_trains_is_not_deleted(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", "--delete", str(runs / "one"), "--yes"]) == 2
    assert "is being trained; stop it first" in capsys.readouterr().err
    assert main(["runs", "--delete", str(runs / "two"), "--yes"]) == 0
    assert not (runs / "two").exists()


def test_a_run_that_is_not_trained_is_not_stopped(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", "--stop", str(runs / "two")]) == 2
    assert "is not being trained, so there is nothing to stop" in capsys.readouterr().err


def test_durations_are_shown_in_a_fitting_unit():
    assert [duration(seconds) for seconds in (0.4, 59.4, 60, 200)] == ["0 s", "59 s", "1 min", "3 min"]


def test_a_stopped_training_resumes_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run, real = RunFolder(tmp_path / "run"), train_module.train_as_job

    def stopped(*given: object, **more: object):
        for step in real(*given, **more):
            run.stop.touch()
            yield step

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "train_as_job", stopped)
        assert main(["train", "--run", str(run.path), *TINY]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"stopped; resume with gnl train --run {run.path} --resume"
    assert main(["train", "--run", str(run.path), "--resume", "--seed", "1"]) == 2
    assert "was started with seed = 0, but 1 is requested; resume it without --seed" in capsys.readouterr().err
    assert main(["train", "--run", str(run.path), "--resume", "--workers", "0"]) == 0
    assert read_config(run).workers == 0
    assert main(["train", "--run", str(tmp_path / "whole"), *TINY, "--workers", "0"]) == 0
    assert run.weights.read_bytes() == (tmp_path / "whole" / "weights.safetensors").read_bytes()
    assert main(["train", "--run", str(run.path), "--resume"]) == 2
    assert "is finished, so there is nothing left to train" in capsys.readouterr().err
    assert main(["train", "--run", str(tmp_path / "nowhere"), "--resume"]) == 2
    assert "contains no run" in capsys.readouterr().err


def test_a_job_writes_one_line_per_epoch_and_no_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = create_run(tmp_path / "run", RunConfig(limit=12, epochs=2, image_size=32, detector="deep_svdd", device="cpu"))
    assert main(["train", "--run", str(run.path), "--resume", "--job"]) == 0
    losses = [record.losses["distance"] for record in read_records(run)]
    assert capsys.readouterr().err.splitlines() == [
        "train: 107 images",
        f"epoch 1 of 2: distance {losses[0]:.4f}",
        f"epoch 2 of 2: distance {losses[1]:.4f}",
        f"wrote {run.weights}",
    ]


def test_a_job_that_ends_early_reports_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = create_run(tmp_path / "run", RunConfig(detector="oracle"))
    run.log.touch()
    write_status(run, Status(state="waiting"))
    assert main(["train", "--run", str(run.path), "--resume", "--job"]) == 2
    assert main(["runs", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("gnl: unknown detector 'oracle'")
    assert printed.out.splitlines()[1].split() == ["run", "failed", "0/10", "-", "-", "-"]
    assert printed.out.splitlines()[2].startswith("  unknown detector 'oracle'; choose one of")


def test_detaching_starts_or_resumes_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked: list[tuple[object, ...]] = []

    def note(name: str) -> Callable[..., RunFolder]:
        return lambda *given, at_once: asked.append((name, *given, at_once)) or RunFolder(tmp_path / "run")

    monkeypatch.setattr(train_module, "start", note("start"))
    monkeypatch.setattr(train_module, "resume", note("resume"))
    assert main(["train", "--run", str(tmp_path / "run"), "--detach", "--seed", "4"]) == 0
    assert main(["train", "--run", str(tmp_path / "run"), "--detach", "--resume", "--workers=2", "--at-once"]) == 0
    assert asked == [
        ("start", RunConfig(seed=4), tmp_path / "run", False),
        ("resume", tmp_path / "run", {"workers": 2}, True),
    ]
    said = f"started {tmp_path / 'run'}; gnl runs {tmp_path} shows its progress"
    assert capsys.readouterr().err.splitlines() == [said, said]


def test_a_kept_epoch_can_be_scored_during_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = tmp_path / "run"
    assert main(["train", "--run", str(run), *TINY, "--keep-epochs"]) == 0
    found = []
    for number in ("1", "2"):
        capsys.readouterr()
        assert main(["score", str(run), "--epoch", number, "--domain", "digits", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [one["run"] for one in found] == [str(run / "epochs" / name) for name in ("001", "002")]
    assert (run / "epochs" / "001" / "scores.parquet").exists()
    assert not (run / "scores.parquet").exists()
    capsys.readouterr()
    assert main(["score", str(run), "--domain", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["domains"] == found[1]["domains"]
    assert main(["score", str(run), "--epoch", "7"]) == 2
    assert "keeps no checkpoint of epoch 7: it keeps 1, 2" in capsys.readouterr().err
