"""The process that trains a run: it holds the run's lock, waits for its turn, tells how far it is, and stops if asked.

The queue is the folder of the runs: each waiting process looks who asked before it. No process watches over it.
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
from gnl_core.jobs.status import Heartbeat, Status, describe_end, is_alive, is_starting, read_status, write_status
from gnl_core.records import TrainingStep
from gnl_core.runs.folder import RunFolder, is_trained
from gnl_core.runs.training import advance_run, never

POLL_SECONDS = 0.5


def train_as_job(
    config: RunConfig, folder: RunFolder, processes: Processes | None = None, *, in_turn: bool = False
) -> Iterator[TrainingStep]:
    """Train a run as `advance_run` does, in sight of others.

    Args:
        config: Everything that decides the run.
        folder: Where it is written.
        processes: From `plan_processes`; unset: this process alone. The first of several works.
        in_turn: Whether to wait for the jobs that were asked for before it in the same folder of runs.

    Yields:
        One step a batch; none if it is asked to stop before its turn has come.

    Raises:
        ValueError: As `advance_run`, or if another process trains the run.
    """
    with holding(folder.lock) as alone:
        if not alone:
            raise ValueError(
                f"{folder.path} is being trained by another process; gnl runs shows it, and gnl runs --stop ends it"
            )
        before = read_status(folder)
        status = Status(
            state="waiting" if in_turn else "running", queued=before.queued if before is not None else time.time()
        )
        try:
            with Heartbeat(folder, status, epochs=config.epochs) as heart:
                yield from train_with_heartbeat(config, folder, processes, heart=heart)
        finally:
            clean_up(folder)


def train_with_heartbeat(
    config: RunConfig, folder: RunFolder, processes: Processes | None, *, heart: Heartbeat
) -> Iterator[TrainingStep]:
    """The steps of a training, each told; before them it waits, if it is to."""
    alone = processes is None or processes.size == 1
    with wait_for_turn(folder, heart.status) as has_come:
        if has_come:
            heart.tell(state="running")
            for step in advance_run(config, folder, processes, stop=folder.stop.exists if alone else never):
                heart.note(step)
                yield step
    heart.tell(state="finished" if is_trained(folder, config) else "stopped", images_per_second=None, seconds_left=None)


@contextmanager
def wait_for_turn(folder: RunFolder, status: Status) -> Iterator[bool]:
    """Wait until the jobs before it have ended, if it is a waiting one; False if it is asked to stop before."""
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
    """Whose lock the job that trains in a folder of runs holds."""
    return root / ".turn"


def is_behind(folder: RunFolder, status: Status) -> bool:
    """Whether another living job waits in the same folder and was asked for before."""
    return any(is_ahead(other, folder, status) for other in waiting_jobs(folder.path.parent))


def is_ahead(other: tuple[RunFolder, Status], folder: RunFolder, status: Status) -> bool:
    """Whether another waiting job was asked for before this one; of two at the same time, by name."""
    return (other[1].queued, other[0].path.name) < (status.queued, folder.path.name)


def waiting_jobs(root: Path) -> list[tuple[RunFolder, Status]]:
    """The queue of a folder of runs, who was first asked for first."""
    said = [(folder, read_status(folder)) for folder in (RunFolder(file.parent) for file in root.glob("*/status.json"))]
    waiting = [(folder, status) for folder, status in said if status is not None and status.state == "waiting"]
    alive = [(folder, status) for folder, status in waiting if is_alive(folder)]
    return sorted(alive, key=lambda job: (job[1].queued, job[0].path.name))


@contextmanager
def report_early_failure(folder: RunFolder) -> Iterator[None]:
    """Say why a job ended before it came to its work."""
    try:
        yield
    except BaseException as error:
        status = read_status(folder)
        if is_starting(status):
            write_status(folder, Status(queued=status.queued, pid=os.getpid(), **describe_end(error)))
        raise


def clean_up(folder: RunFolder) -> None:
    """Remove what only a working process needs, and the folder of a run that took itself back."""
    with suppress(OSError):
        folder.stop.unlink(missing_ok=True)
        if not folder.config.exists():
            folder.lock.unlink(missing_ok=True)
            folder.path.rmdir()
