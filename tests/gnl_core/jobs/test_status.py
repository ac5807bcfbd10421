from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from gnl_core.config import RunConfig
from gnl_core.finite import DivergedError
from gnl_core.jobs import status as module
from gnl_core.jobs.locks import holding
from gnl_core.jobs.status import STARTING_SECONDS, Heartbeat, Status, find_status, is_alive, read_status, write_status
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.folder import RunFolder, create_run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "run", RunConfig())


def step(epoch: int, number: int, **losses: float) -> TrainingStep:
    record = EpochRecord(epoch, {name: 10 * value for name, value in losses.items()}, 1.0) if number == 4 else None
    return TrainingStep(epoch=epoch, step=number, steps=4, images=16, losses=losses, record=record)


def test_a_status_is_read_as_it_was_written(folder: RunFolder):
    assert read_status(folder) is None
    said = Status(state="failed", pid=3, losses={"a": 0.25}, reason="no such class")
    write_status(folder, said)
    assert read_status(folder) == said
    folder.status.write_text("{")
    assert find_status(folder) is None
    with pytest.raises(ValueError, match=r"status\.json cannot be read: .*; remove it"):
        read_status(folder)


def test_a_loss_that_is_not_finite_can_be_recorded(folder: RunFolder):
    write_status(folder, Status(state="running", losses={"a": float("nan"), "b": 0.5}))
    said = read_status(folder)
    assert said is not None
    assert said.losses == {"a": None, "b": 0.5}


def test_a_heartbeat_names_the_process_and_continues(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with Heartbeat(folder, Status(state="running"), epochs=2):
        first = read_status(folder)
        assert first is not None
        assert (first.pid, first.state) == (os.getpid(), "running")
        for _ in range(500):
            time.sleep(0.01)
            later = read_status(folder)
            if later is not None and later.time > first.time:
                break
        else:
            pytest.fail("it beat once alone")
    ended = read_status(folder)
    time.sleep(0.05)
    assert read_status(folder) == ended


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (ValueError("unknown class 'x'; choose one of: 1, 2"), "failed", "unknown class 'x'; choose one of: 1, 2"),
        (DivergedError("training diverged: a is nan in epoch 1"), "diverged", "training diverged: a is nan in epoch 1"),
        (RuntimeError("out of memory\nat some place"), "failed", "RuntimeError: out of memory"),
        (MemoryError(), "failed", "MemoryError: "),
        (KeyboardInterrupt(), "stopped", None),
        (GeneratorExit(), "stopped", None),
    ],
)
def test_a_heartbeat_reports_how_a_training_ended(
    folder: RunFolder, error: BaseException, state: str, reason: str | None
):
    with pytest.raises(type(error)), Heartbeat(folder, Status(state="running"), epochs=2):
        raise error
    said = read_status(folder)
    assert said is not None
    assert (said.state, said.reason) == (state, reason)


def test_a_status_that_cannot_be_written_stops_nothing(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "write_status", fail)
    with Heartbeat(folder, Status(state="running"), epochs=2) as heartbeat:
        heartbeat.update(state="finished")
    assert read_status(folder) is None


def test_a_removed_run_has_no_status(folder: RunFolder):
    with Heartbeat(folder, Status(state="running"), epochs=2):
        folder.config.unlink()
    assert not folder.status.exists()


def test_speed_and_time_left_are_counted_from_the_first_batch(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    # two epochs of four batches of 16 images, two seconds a batch
    heartbeat, clock = Heartbeat(folder, Status(state="running"), epochs=2), iter(range(100, 200, 2))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    heartbeat.record(step(1, 1, a=1.0))
    assert (heartbeat.status.images_per_second, heartbeat.status.seconds_left) == (None, None)
    heartbeat.record(step(1, 2, a=2.0))
    assert (heartbeat.status.images_per_second, heartbeat.status.seconds_left) == (8.0, 12.0)
    assert (heartbeat.status.epoch, heartbeat.status.step, heartbeat.status.steps) == (1, 2, 4)


def test_losses_are_the_last_epochs_and_before_its_end_the_last_batchs(folder: RunFolder):
    heartbeat, reported = Heartbeat(folder, Status(state="running"), epochs=2), []
    for one in (step(1, 1, a=1.0), step(1, 4, a=2.0), step(2, 1, a=3.0), step(2, 4, a=4.0)):
        heartbeat.record(one)
        reported.append(heartbeat.status.losses["a"])
    assert reported == [1.0, 20.0, 20.0, 40.0]


def test_a_run_lives_while_its_lock_is_held_or_its_process_may_still_be_starting(folder: RunFolder):
    assert not is_alive(folder)
    with holding(folder.lock):
        assert is_alive(folder)
    write_status(folder, Status(state="waiting"))
    assert is_alive(folder)
    write_status(folder, Status(state="waiting", uptime=time.monotonic() - STARTING_SECONDS - 1))
    assert not is_alive(folder)
    write_status(folder, Status(state="waiting", pid=os.getpid()))  # a number alone is no life
    assert not is_alive(folder)
