from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from gnl_core.config import RunConfig
from gnl_core.jobs import worker as module
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.queue import waiting_jobs
from gnl_core.jobs.status import Status, read_status, write_status
from gnl_core.jobs.worker import is_behind, train_as_job, turn_file, wait_for_turn
from gnl_core.runs.folder import RunFolder, create_run, read_records

Make = Callable[..., RunConfig]


@pytest.fixture
def config(tiny_config: Make) -> RunConfig:
    return tiny_config(detector="deep_svdd", epochs=2, limit=12)


@pytest.fixture
def folder(config: RunConfig, tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "runs" / "run", config)


@pytest.fixture
def queue(tmp_path: Path) -> Callable[..., RunFolder]:
    """Add a run to the queue whose process holds its lock until the test ends."""
    with ExitStack() as held:

        def put(name: str, *, queued: float, state: str = "waiting", alive: bool = True) -> RunFolder:
            folder = create_run(tmp_path / "runs" / name, RunConfig())
            write_status(folder, Status(state=state, queued=queued, pid=1))
            if alive:
                held.enter_context(holding(folder.lock))
            return folder

        yield put


def said(folder: RunFolder) -> Status:
    status = read_status(folder)
    assert status is not None
    return status


def test_a_training_is_seen_while_it_runs_and_when_it_has_ended(config: RunConfig, folder: RunFolder):
    states = [(said(folder).state, is_locked(folder.lock)) for _ in train_as_job(config, folder)]
    assert states == [("running", True)] * 4
    assert (said(folder).state, said(folder).seconds_left) == ("finished", None)
    assert not is_locked(folder.lock)


def test_a_stopped_training_is_saved_and_can_be_resumed(config: RunConfig, folder: RunFolder):
    steps = []
    for step in train_as_job(config, folder):
        steps.append(step)
        if len(steps) == 3:
            folder.stop.touch()
    assert said(folder).state == "stopped"
    assert folder.state.exists()
    assert not folder.stop.exists()
    steps += train_as_job(config, folder)
    assert [(step.epoch, step.step) for step in steps] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [record.epoch for record in read_records(folder)] == [1, 2]
    assert said(folder).state == "finished"


def test_a_run_is_trained_by_one_process_alone(config: RunConfig, folder: RunFolder):
    with holding(folder.lock), pytest.raises(ValueError, match="is being trained by another process; see gnl runs"):
        next(train_as_job(config, folder))
    folder.stop.touch()
    with holding(folder.lock), pytest.raises(ValueError, match="is being trained by another process"):
        next(train_as_job(config, folder))
    assert folder.stop.exists()  # it is asked of the other


def test_a_training_that_fails_before_it_has_saved_anything_leaves_no_folder(config: RunConfig, folder: RunFolder):
    with pytest.raises(ValueError, match="unknown detector"):
        list(train_as_job(config.model_copy(update={"detector": "oracle"}), folder))
    assert not folder.path.exists()


def test_a_failed_job_stays_listed_with_its_reason(config: RunConfig, folder: RunFolder):
    folder.log.touch()
    with pytest.raises(ValueError, match="unknown detector"):
        list(train_as_job(config.model_copy(update={"detector": "oracle"}), folder))
    assert said(folder).state == "failed"
    assert str(said(folder).reason).startswith("unknown detector 'oracle'")
    assert folder.config.exists()


def test_a_folder_that_is_removed_stays_removed(config: RunConfig, folder: RunFolder):
    steps = train_as_job(config, folder)
    next(steps)
    shutil.rmtree(folder.path)
    with pytest.raises(ValueError, match="cannot write the run"):
        list(steps)
    assert not folder.path.exists()


def test_the_queue_is_the_live_waiting_jobs_in_order_of_their_start(queue: Callable[..., RunFolder], tmp_path: Path):
    last, first, same = queue("a", queued=30), queue("b", queued=10), queue("c", queued=10)
    queue("running", queued=1, state="running")
    queue("dead", queued=2, alive=False)
    assert [folder for folder, _ in waiting_jobs(tmp_path / "runs")] == [first, same, last]
    assert [is_behind(folder, said(folder)) for folder in (first, same, last)] == [False, True, True]


def test_a_job_starts_when_no_other_job_is_training(queue: Callable[..., RunFolder]):
    folder = queue("a", queued=10)
    with wait_for_turn(folder, said(folder)) as has_come:
        assert has_come
        assert is_locked(turn_file(folder.path.parent))
    assert not is_locked(turn_file(folder.path.parent))


def test_a_job_waits_for_the_training_job_and_the_jobs_before_it(
    queue: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
):
    first, second = queue("a", queued=10), queue("b", queued=20)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr("gnl_core.jobs.locks.PATIENCE_SECONDS", 0.01)
    events = []

    def sleep(seconds: float) -> None:
        if seconds != module.POLL_SECONDS:  # the heartbeat's or the lock's
            return
        events.append("waited")
        if len(events) == 2:
            write_status(first, said(first).model_copy(update={"state": "running"}))
            running.enter_context(holding(turn_file(first.path.parent)))
        if len(events) == 4:
            running.close()

    monkeypatch.setattr(time, "sleep", sleep)
    with ExitStack() as running, wait_for_turn(second, said(second)) as has_come:
        assert has_come
    assert len(events) == 4


def test_a_waiting_job_can_be_stopped(config: RunConfig, folder: RunFolder, queue: Callable[..., RunFolder]):
    queue("before", queued=1)
    folder.log.touch()
    folder.stop.touch()
    assert list(train_as_job(config, folder, in_turn=True)) == []
    assert said(folder).state == "stopped"
    assert not folder.stop.exists()
    assert folder.config.exists()


def test_a_run_that_another_process_finished_or_deleted_first_is_not_trained_again(
    config: RunConfig, folder: RunFolder
):
    list(train_as_job(config, folder))
    before = folder.weights.read_bytes(), folder.weights.stat().st_mtime_ns
    with pytest.raises(ValueError, match="was finished by another process"):
        list(train_as_job(config, folder))
    assert (folder.weights.read_bytes(), folder.weights.stat().st_mtime_ns) == before
    assert said(folder).state == "finished"
    folder.config.unlink()
    with pytest.raises(ValueError, match="was deleted by another process"):
        list(train_as_job(config, folder))
