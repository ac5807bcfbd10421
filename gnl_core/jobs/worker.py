"""The process that trains a run: it holds the run's lock, waits for its turn, reports progress and stops on request.

The folder of runs is the queue: each waiting process checks for jobs queued before it. There is no central process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gnl_core.config import RunConfig
from gnl_core.distributed import Processes
from gnl_core.jobs.locks import holding
from gnl_core.jobs.queue import waiting_jobs
from gnl_core.jobs.status import Heartbeat, Status, describe_end, find_status, is_starting, write_status
from gnl_core.records import TrainingStep
from gnl_core.runs.folder import RunFolder, is_trained
from gnl_core.runs.training import advance_run, never

POLL_SECONDS = 0.5
TURN = "GNL_TURN"  # environment variable of a job: the lock file of several folders of runs that train in turn


def train_as_job(
    config: RunConfig, folder: RunFolder, processes: Processes | None = None, *, in_turn: bool = False
) -> Iterator[TrainingStep]:
    """Train a run as `advance_run` does, with a lock and a status.

    Args:
        config: The run's settings.
        folder: The run's folder.
        processes: From `plan_processes`, for the first of several processes; unset: this process only.
        in_turn: Whether to wait for the jobs queued before it in the same folder of runs.

    Yields:
        One step per batch; none if asked to stop before its turn.

    Raises:
        ValueError: As `advance_run`, or if another process trains the run, or has just finished or deleted it.
    """
    with holding(folder.lock) as acquired:
        if not acquired:
            raise ValueError(
                f"{folder.path} is being trained by another process; see gnl runs, or stop it with gnl runs --stop"
            )
        previous = find_status(folder)
        status = Status(
            state="waiting" if in_turn else "running", queued=previous.queued if previous is not None else time.time()
        )
        try:
            check_unfinished(config, folder)
            with Heartbeat(folder, status, epochs=config.epochs) as heartbeat:
                yield from train_with_heartbeat(config, folder, processes, heartbeat=heartbeat)
        finally:
            clean_up(folder)


def check_unfinished(config: RunConfig, folder: RunFolder) -> None:
    """Raise ValueError if another process finished or deleted a run before this one acquired its lock."""
    if not folder.config.exists():
        raise ValueError(f"{folder.path} was deleted by another process; train a new run")
    if is_trained(folder, config):
        raise ValueError(f"{folder.path} was finished by another process, so there is nothing left to train; score it")


def train_with_heartbeat(
    config: RunConfig, folder: RunFolder, processes: Processes | None, *, heartbeat: Heartbeat
) -> Iterator[TrainingStep]:
    """Yield the steps of a training after waiting for its turn, recording each in the status."""
    is_single = processes is None or processes.size == 1
    with wait_for_turn(folder, heartbeat.status) as has_come:
        if has_come:
            heartbeat.update(state="running")
            for step in advance_run(config, folder, processes, stop=folder.stop.exists if is_single else never):
                heartbeat.record(step)
                yield step
    end = "finished" if is_trained(folder, config) else "stopped"
    heartbeat.update(state=end, images_per_second=None, seconds_left=None)


@contextmanager
def wait_for_turn(folder: RunFolder, status: Status) -> Iterator[bool]:
    """Wait for earlier jobs if the status is "waiting"; yield False if asked to stop meanwhile, else True."""
    if status.state != "waiting":
        yield True
        return
    while not folder.stop.exists():
        if not is_behind(folder, status):
            with holding(turn_file(folder.path.parent)) as has_come:
                if has_come:
                    yield True
                    return
        time.sleep(POLL_SECONDS)
    yield False


def turn_file(root: Path) -> Path:
    """Return the lock file held by the job that is training in a folder of runs, or in all that share a turn."""
    return Path(os.environ.get(TURN) or root / ".turn")


def is_behind(folder: RunFolder, status: Status) -> bool:
    """Return whether another job waits in the same folder and was queued earlier."""
    return any(is_ahead(other, folder, status) for other in waiting_jobs(folder.path.parent))


def is_ahead(other: tuple[RunFolder, Status], folder: RunFolder, status: Status) -> bool:
    """Return whether another job was queued before this one; ties are broken by name."""
    return (other[1].queued, other[0].path.name) < (status.queued, folder.path.name)


@contextmanager
def report_early_failure(folder: RunFolder) -> Iterator[None]:
    """Write the reason to the status if a job fails before training starts."""
    try:
        yield
    except BaseException as error:
        status = find_status(folder)
        if is_starting(status):
            write_status(folder, Status(queued=status.queued, pid=os.getpid(), **describe_end(error)))
        raise


def clean_up(folder: RunFolder) -> None:
    """Remove the stop request, and the folder of a discarded run."""
    with suppress(OSError):
        folder.stop.unlink(missing_ok=True)
        if not folder.config.exists():
            folder.lock.unlink(missing_ok=True)
            folder.path.rmdir()
