"""The limits of a queue, with jobs that are statuses on disk."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from gnl_core.config import RunConfig
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.queue import LOCK_NAME, claim_folder, joining
from gnl_core.jobs.status import Status, find_status, write_status
from gnl_core.jobs.worker import TURN, turn_file, wait_for_turn
from gnl_core.runs.folder import RunFolder, create_run


def add_job(path: Path, state: str = "waiting") -> RunFolder:
    folder = create_run(path, RunConfig())
    write_status(folder, Status(state=state))
    return folder


def join(root: Path, *, queues: list[Path] | None = None, most_waiting: int = 8, most_active: int = 9):
    return joining(root, root, queues=queues or [root], most_waiting=most_waiting, most_active=most_active)


def test_of_twelve_trainings_started_at_once_as_many_wait_as_may(tmp_path: Path):
    def start(_: int) -> bool:
        try:
            with join(tmp_path, most_waiting=8, most_active=100):
                add_job(claim_folder(tmp_path, "run"))
        except ValueError as error:
            return start(0) if "try again in a moment" in str(error) else False  # a slow machine
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(start, range(12))) == 8


def test_a_full_queue_is_reported_in_a_sentence(tmp_path: Path):
    add_job(tmp_path / "a")
    with pytest.raises(ValueError, match="1 trainings are waiting, and at most 1 may"), join(tmp_path, most_waiting=1):
        pass


def test_the_queues_of_all_people_count_together(tmp_path: Path):
    queues = [tmp_path / "ann", tmp_path / "bob"]
    for queue in queues:
        add_job(queue / "run")
    with join(tmp_path, queues=queues, most_waiting=3):
        pass
    with pytest.raises(ValueError, match="2 trainings are waiting"), join(tmp_path, queues=queues, most_waiting=2):
        pass


def test_running_trainings_count_as_active_and_ended_ones_do_not(tmp_path: Path):
    running, _ = add_job(tmp_path / "a", "running"), add_job(tmp_path / "b", "finished")
    with holding(running.lock), join(tmp_path, most_active=2):
        pass
    with (
        holding(running.lock),
        pytest.raises(ValueError, match="1 of your trainings are active, and at most 1 may"),
        join(tmp_path, most_active=1),
    ):
        pass


def test_a_queue_that_others_hold_is_reported_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gnl_core.jobs.queue.holding", lambda _: nullcontext(False))
    with pytest.raises(ValueError, match="other trainings are being started"), join(tmp_path):
        pass


def test_two_runs_of_one_name_get_two_folders(tmp_path: Path):
    ready = threading.Barrier(8)

    def claim(_: int) -> Path:
        ready.wait()
        return claim_folder(tmp_path / "runs", "digits-4-gnl-20260101-120000")

    with ThreadPoolExecutor(8) as threads:
        names = sorted(path.name.removeprefix("digits-4-gnl-20260101-120000") for path in threads.map(claim, range(8)))
    assert names == ["", "-2", "-3", "-4", "-5", "-6", "-7", "-8"]


def test_folders_of_runs_with_one_turn_file_train_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert turn_file(tmp_path / "ann") == tmp_path / "ann" / ".turn"
    monkeypatch.setenv(TURN, str(tmp_path / ".turn"))
    assert turn_file(tmp_path / "ann") == turn_file(tmp_path / "bob")
    folder = add_job(tmp_path / "ann" / "run")
    status = find_status(folder)  # as a job keeps it: queued later, it would wait behind itself
    with wait_for_turn(folder, status) as has_come:
        assert has_come
        assert is_locked(tmp_path / ".turn")


def test_the_lock_of_a_queue_is_released(tmp_path: Path):
    with join(tmp_path):
        assert is_locked(tmp_path / LOCK_NAME)
    assert not is_locked(tmp_path / LOCK_NAME)
