from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gnl_core.config import RunConfig
from gnl_core.detectors import DETECTORS, complete_config, create_detector
from gnl_core.jobs.start import open_unfinished
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.folder import RunFolder, create_run, read_config, read_records
from gnl_core.runs.scoring import load_run
from gnl_core.runs.state import optimizer_tensors, read_state
from gnl_core.runs.training import advance_run, train_run

Make = Callable[..., RunConfig]
Config = Callable[[str], RunConfig]
LEARNERS = [name for name in DETECTORS if name not in ("knn", "patchcore")]
ALWAYS_DUE = 1e-9


class KilledError(BaseException):
    """An exception that stands for the end of the process and is never caught."""


@pytest.fixture(scope="module")
def config(tiny_config: Make) -> Config:
    """Two epochs of two batches, the state saved after each; f-AnoGAN's two halves are one epoch each."""
    return lambda detector: tiny_config(detector=detector, epochs=2, limit=12, save_minutes=ALWAYS_DUE)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Callable[[str], bytes]:
    """The checkpoint of a method that was trained without a break."""
    known: dict[str, bytes] = {}

    def train(detector: str) -> bytes:
        if detector not in known:
            folder = create_run(tmp_path_factory.mktemp("whole") / detector, config(detector))
            list(train_run(config(detector), folder))
            known[detector] = folder.weights.read_bytes()
        return known[detector]

    return train


def check_whole(folder: RunFolder, expected: bytes) -> None:
    assert folder.weights.read_bytes() == expected
    assert [record.epoch for record in read_records(folder)] == [1, 2]
    assert sorted(file.name for file in folder.path.iterdir()) == [
        "config.json",
        "progress.jsonl",
        "weights.safetensors",
    ]


def fail_at_write(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> None:
    """The files of a run are renamed one after the other; fail at one of them."""
    counted, replace = count(), os.replace

    def rename(source: str, target: Path) -> None:
        if next(counted) == number:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", rename)


@pytest.mark.parametrize("detector", LEARNERS)
def test_a_training_that_stops_after_every_step_learns_the_same_to_the_bit(
    detector: str, config: Config, uninterrupted: Callable[[str], bytes], tmp_path: Path
):
    folder = create_run(tmp_path / "run", config(detector))
    steps = []
    for _ in range(4):
        steps += list(advance_run(config(detector), folder, stop=lambda: True))
    assert [(step.epoch, step.step) for step in steps] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    check_whole(folder, uninterrupted(detector))


@pytest.mark.parametrize("detector", ["deep_svdd", "f_anogan"])
def test_a_training_interrupted_at_any_write_resumes_to_the_same_bits(
    detector: str,
    config: Config,
    uninterrupted: Callable[[str], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    cut_off = 0
    for number in count():
        folder = create_run(tmp_path / str(number), config(detector))
        with monkeypatch.context() as patch:
            fail_at_write(patch, number, KilledError())
            try:
                list(train_run(config(detector), folder))
            except KilledError:
                cut_off += 1
        if cut_off == number:  # there were no more writes
            break
        if not folder.config.exists():  # nothing was saved: the folder was taken back
            create_run(folder.path, config(detector))
        list(train_run(open_unfinished(folder, {}), folder))
        check_whole(folder, uninterrupted(detector))
    assert cut_off == 7  # three states, and progress and checkpoint of each epoch


def test_losses_and_elapsed_time_continue(config: Config, tmp_path: Path):
    whole, cut = (create_run(tmp_path / name, config("deep_svdd")) for name in ("whole", "cut"))
    list(train_run(config("deep_svdd"), whole))
    for _ in range(4):
        list(advance_run(config("deep_svdd"), cut, stop=lambda: True))
    assert [record.losses for record in read_records(cut)] == [record.losses for record in read_records(whole)]
    times = [record.elapsed_seconds for record in read_records(cut)]
    assert 0 < times[0] < times[1]


def test_a_state_holds_adams_moments_and_steps_and_no_teacher(config: Config, tmp_path: Path):
    folder = create_run(tmp_path / "run", config("rd4ad"))
    next(advance_run(config("rd4ad"), folder))
    header, tensors = read_state(folder.state)
    assert (header.epoch, header.step, list(header.values)) == (1, 1, ["distillation"])
    detector = create_detector(config("rd4ad"))
    learnable = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    moments = [name for name in tensors if name.endswith(("exp_avg", "exp_avg_sq"))]
    assert len(moments) == 2 * len(learnable)
    assert {tensors[name].item() for name in tensors if name.endswith(".step")} == {1.0}
    assert not any("teacher" in name for name in tensors)


def test_moments_keep_their_parameters_order_in_memory(config: Config, tmp_path: Path):
    from gnl_core.runs.state import restore_optimizer

    weight = torch.nn.Parameter(torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last))
    before, after = (torch.optim.Adam([weight], lr=0.1) for _ in range(2))
    weight.square().sum().backward()
    before.step()
    tensors = {name.removeprefix("optimizer.0."): value for name, value in optimizer_tensors([before]).items()}
    restore_optimizer(after, {name: value.contiguous() for name, value in tensors.items()})
    for name in ("exp_avg", "exp_avg_sq", "step"):
        assert torch.equal(after.state[weight][name], before.state[weight][name])
        assert after.state[weight][name].stride() == before.state[weight][name].stride()


def test_the_state_is_saved_within_an_epoch_only_after_the_given_minutes(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd", epochs=2, limit=12)
    folder = create_run(tmp_path / "run", config)
    saved = [read_state(folder.state)[0].epoch if folder.state.exists() else None for _ in advance_run(config, folder)]
    assert saved == [None, 2, 2, 2]
    assert not folder.state.exists()


def test_a_run_killed_before_its_first_save_starts_again(
    config: Config, uninterrupted: Callable[[str], bytes], tmp_path: Path
):
    folder = create_run(tmp_path / "run", config("deep_svdd"))
    left = folder.path / ".weights.safetensors.x1y2z3"
    left.write_bytes(b"half")
    list(train_run(open_unfinished(folder, {}), folder))
    check_whole(folder, uninterrupted("deep_svdd"))


def test_a_method_that_learns_nothing_has_no_state(config: Config, tmp_path: Path):
    folder = create_run(tmp_path / "run", config("knn"))
    (step,) = advance_run(config("knn"), folder, stop=lambda: True)
    assert (step.step, step.steps, step.record.losses) == (1, 1, {})
    assert not folder.state.exists()
    with pytest.raises(ValueError, match="is finished, so there is nothing left to train"):
        open_unfinished(folder, {})


@pytest.fixture
def unfinished(config: Config, tmp_path: Path) -> RunFolder:
    """A run that was stopped in its second epoch."""
    folder = create_run(tmp_path / "unfinished", config("deep_svdd"))
    steps = iter(range(3))
    list(advance_run(config("deep_svdd"), folder, stop=lambda: next(steps) == 2))
    return folder


def test_settings_that_change_what_is_learnt_are_refused(unfinished: RunFolder):
    message = f"{unfinished.path} was started with batch_size = 8, but 4 is requested; resume it without --batch-size"
    with pytest.raises(ValueError, match=message):
        open_unfinished(unfinished, {"batch_size": 4})
    with pytest.raises(ValueError, match="invalid settings: workers = -1"):
        open_unfinished(unfinished, {"workers": -1})
    with pytest.raises(ValueError, match=r"saved with seed = 0, but 1 is requested; use seed = 0"):
        list(train_run(read_config(unfinished).model_copy(update={"seed": 1}), unfinished))


def test_settings_that_do_not_affect_training_may_change(
    unfinished: RunFolder, uninterrupted: Callable[[str], bytes], tmp_path: Path
):
    config = open_unfinished(unfinished, {"workers": 0, "batch_size": 8})
    assert config.workers == 0
    assert complete_config(read_config(unfinished)) == config
    list(train_run(config, unfinished))
    (tmp_path / "whole").write_bytes(uninterrupted("deep_svdd"))
    expected, found = load_file(tmp_path / "whole"), load_file(unfinished.weights)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_run_without_a_state_is_refused(unfinished: RunFolder, trained_run: RunFolder, tmp_path: Path):
    unfinished.state.unlink()
    with pytest.raises(ValueError, match="has a checkpoint, but no state to resume training from"):
        open_unfinished(unfinished, {})
    with pytest.raises(ValueError, match="is finished, so there is nothing left to train"):
        open_unfinished(trained_run, {})
    with pytest.raises(ValueError, match="contains no run"):
        open_unfinished(RunFolder(tmp_path / "nowhere"), {})


@pytest.mark.parametrize("content", [b"", b"half a file", None])
def test_a_damaged_state_is_refused(unfinished: RunFolder, content: bytes | None):
    if content is None:
        save_file({"a": torch.zeros(1)}, unfinished.state)
    else:
        unfinished.state.write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.safetensors is (damaged or not|a .*not) a (gnl )?training state"):
        list(train_run(read_config(unfinished), unfinished))


def test_a_state_by_other_teacher_weights_is_refused(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = create_run(tmp_path / "run", config("rd4ad"))
    list(advance_run(config("rd4ad"), folder, stop=lambda: True))
    monkeypatch.setattr("gnl_core.runs.state.teacher_fingerprint", lambda detector: "another")
    with pytest.raises(ValueError, match="saved with other weights of teacher efficientnet_lite0"):
        list(train_run(config("rd4ad"), folder))


@pytest.mark.parametrize("failure", [*((n, errno.ENOSPC) for n in range(7)), (2, errno.EROFS), (2, errno.EACCES)])
def test_a_full_or_read_only_disk_is_reported_and_the_last_state_is_intact(
    failure: tuple[int, int],
    config: Config,
    uninterrupted: Callable[[str], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    number, kind = failure
    folder = create_run(tmp_path / "run", config("deep_svdd"))
    with monkeypatch.context() as patch:
        fail_at_write(patch, number, OSError(kind, os.strerror(kind)))
        with pytest.raises(ValueError, match=f"cannot write the run {folder.path}: {os.strerror(kind)}; ") as raised:
            list(train_run(config("deep_svdd"), folder))
    assert "\n" not in str(raised.value)
    if number == 0:
        assert "no state was saved; fix the cause" in str(raised.value)
        assert not folder.path.exists()
        return
    assert f"the last saved state is intact; fix the cause, then resume with gnl train --run {folder.path}" in str(
        raised.value
    )
    list(train_run(open_unfinished(folder, {}), folder))
    check_whole(folder, uninterrupted("deep_svdd"))


def test_a_folder_that_is_removed_midway_is_reported(config: Config, tmp_path: Path):
    folder = create_run(tmp_path / "run", config("deep_svdd"))
    steps = advance_run(config("deep_svdd"), folder)
    next(steps)
    shutil.rmtree(folder.path)
    with pytest.raises(ValueError, match=f"cannot write the run {folder.path}: No such file or directory; no state"):
        list(steps)
    assert not folder.path.exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_becomes_read_only_is_reported(
    config: Config, uninterrupted: Callable[[str], bytes], tmp_path: Path
):
    folder = create_run(tmp_path / "run", config("deep_svdd"))
    steps = advance_run(config("deep_svdd"), folder)
    next(steps)
    folder.path.chmod(0o500)
    with pytest.raises(ValueError, match="Permission denied; the last saved state is intact"):
        list(steps)
    folder.path.chmod(0o700)
    list(train_run(open_unfinished(folder, {}), folder))
    check_whole(folder, uninterrupted("deep_svdd"))


def test_each_epochs_checkpoint_can_be_kept_and_scored_separately(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd", epochs=3, limit=12, keep_epochs=True)
    folder = create_run(tmp_path / "run", config)
    while not folder.weights.exists() or folder.state.exists():  # cut off after each step
        list(advance_run(config, folder, stop=lambda: True))
    kept = [load_run(folder.epoch(number), device="cpu") for number in (1, 2, 3)]
    assert [folder.epoch(number).path.name for number in (1, 2, 3)] == ["001", "002", "003"]
    assert folder.epoch(3).weights.read_bytes() == folder.weights.read_bytes()
    centres = [run.detector.centre for run in kept]
    assert torch.equal(centres[0], centres[2])
    first, last = (run.detector.encoder.state_dict() for run in (kept[0], kept[2]))
    assert any(not torch.equal(first[name], last[name]) for name in first)
    assert list_runs(tmp_path) == [folder]
