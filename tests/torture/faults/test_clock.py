"""The clock is set forth and back while jobs wait, start, run and end."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from gnl_core.config import RunConfig
from gnl_core.jobs.listing import read_job
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.queue import joining
from gnl_core.jobs.status import Status, is_alive, read_status, seconds_since, write_status
from gnl_core.jobs.worker import train_as_job, wait_for_turn
from gnl_core.runs.folder import RunFolder, create_run, read_records
from tests.torture.faults.conftest import Tally

HOUR, DAY, DECADE = 3600.0, 86400.0, 10 * 365 * 86400.0
SET_BY = [sign * size for sign in (-1, 1) for size in (90.0, HOUR, DAY, DECADE)]
LONG_AGO = 1000.0


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that sets the clock forth by some seconds, or back."""
    real = time.time
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: real() + seconds)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "runs" / "run", RunConfig())


@pytest.mark.parametrize("seconds", SET_BY)
def test_a_clock_that_is_set_changes_no_state(
    folder: RunFolder,
    seconds: float,
    set_clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
):
    write_status(folder, Status(state="running", pid=os.getpid()))
    set_clock(seconds)
    with holding(folder.lock):
        assert (read_job(folder).state, read_job(folder).reason) == ("running", None)
    assert read_job(folder).state == "stale"  # its process is gone
    write_status(folder, Status(state="waiting"))
    set_clock(0)
    assert read_job(folder).state == "waiting"
    assert is_alive(folder)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + LONG_AGO)
    assert read_job(folder).state == "stale"  # it never reported
    assert not is_alive(folder)
    tally.report(f"clock set by {seconds:+.0f} s", injected=3)


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_a_silent_process_is_stale_after_a_minute_of_true_time(
    folder: RunFolder, seconds: float, set_clock: Callable[[float], None], tally: Tally
):
    write_status(folder, Status(state="running", pid=os.getpid(), uptime=time.monotonic() - 90))
    set_clock(seconds)
    with holding(folder.lock):
        assert read_job(folder).reason == "its process has not reported for 90 s"
    tally.report(f"silent process, clock set by {seconds:+.0f} s", injected=1)


def test_a_report_from_before_the_machine_was_started_is_timed_by_the_clock(folder: RunFolder, tally: Tally):
    status = Status(state="waiting", uptime=time.monotonic() + DAY, time=time.time() - HOUR)
    write_status(folder, status)
    assert HOUR <= seconds_since(status) < HOUR + 60
    assert read_job(folder).state == "stale"
    folder.lock.touch()
    os.utime(folder.lock, (0, 0))  # a lock file without a process means nothing, however old it is
    assert not is_locked(folder.lock)
    assert not is_alive(folder)
    tally.report("machine restarted", injected=2)


@pytest.mark.parametrize("seconds", SET_BY)
def test_reports_of_other_machines_and_of_older_versions_kill_no_living_job(
    folder: RunFolder, seconds: float, tally: Tally
):
    for uptime, host in ((None, None), (5.0, "elsewhere")):
        given = {"host": host} if host else {}
        future = max(seconds, 0)
        write_status(folder, Status(state="running", pid=1, uptime=uptime, time=time.time() + future, **given))
        with holding(folder.lock):
            assert read_job(folder).state == "running"
        write_status(folder, Status(state="waiting", uptime=uptime, time=time.time() + 2 * seconds, **given))
        assert read_job(folder).state == "stale"
    tally.report(f"other clock, {seconds:+.0f} s", injected=4)


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_a_training_whose_clock_jumps_at_every_look_ends_with_times_that_are_not_negative(
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
):
    real, jumps = time.time, itertools.cycle((0.0, seconds))
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    config = tiny_config(detector="deep_svdd", limit=12, epochs=2)
    folder = create_run(tmp_path / "runs" / "run", config)
    for _ in train_as_job(config, folder):
        status = read_status(folder)
        assert status is not None
        assert status.state == "running"
        assert (status.seconds_left or 0) >= 0
        assert (status.images_per_second or 0) >= 0
        assert read_job(folder).state == "running"
    assert read_job(folder).state == "finished"
    elapsed = [record.elapsed_seconds for record in read_records(folder)]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] >= 0
    tally.report(f"clock jumps by {seconds:+.0f} s in training", injected=4)


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_a_queue_goes_on_when_the_clock_is_set_between_its_jobs(
    tmp_path: Path, seconds: float, set_clock: Callable[[float], None], tally: Tally
):
    first, second = (create_run(tmp_path / name, RunConfig()) for name in ("first", "second"))
    write_status(first, Status(state="waiting", pid=1))
    set_clock(seconds)
    write_status(second, Status(state="waiting", pid=2))
    statuses = {folder: read_status(folder) for folder in (first, second)}
    ended = []
    with holding(first.lock), holding(second.lock):
        order = sorted(statuses, key=lambda folder: statuses[folder].queued)
        for folder in order:
            with wait_for_turn(folder, statuses[folder]) as has_come:
                assert has_come
                ended.append(folder)
            write_status(folder, statuses[folder].model_copy(update={"state": "finished"}))
        with joining(tmp_path, tmp_path, queues=[tmp_path], most_waiting=1, most_active=3) or nullcontext():
            pass
    assert sorted(ended) == [first, second]
    tally.report(f"clock set by {seconds:+.0f} s in a queue", injected=1)
