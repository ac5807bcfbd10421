"""List runs as jobs, with their states read from their folders, and read their logs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gnl_core.config import RunConfig
from gnl_core.datasets.listing import check_name
from gnl_core.files import read_end
from gnl_core.jobs.locks import is_locked
from gnl_core.jobs.queue import waiting_jobs
from gnl_core.jobs.status import Status, is_starting, read_status, seconds_since
from gnl_core.runs.diverged import why_diverged
from gnl_core.runs.folder import RunFolder, is_trained, last_record, read_config_once

STATES = (
    "running",
    "waiting",
    "stale",
    "diverged",
    "failed",
    "stopped",
    "finished",
)  # in the order in which they are listed


SILENT_SECONDS = 60.0


LOG_LINES = 20


LOG_BYTES = 2**16  # only the end of a long log is read


VANISHED = "its process ended unexpectedly: it was killed, ran out of memory, or the machine was restarted"


class Job(NamedTuple):
    """A run in a list of jobs.

    Attributes:
        folder: The run's folder.
        config: Its settings.
        state: One of STATES. A stale job has not reported its end, and its process is gone or silent.
        epochs_done: Number of completed epochs.
        losses: Each loss by name, averaged over the last epoch; None where it is not finite.
        images_per_second: Training speed, for a running job.
        seconds_left: Estimated remaining time, for a running job.
        place: Number of jobs ahead in the queue, for a waiting job.
        reason: Why it failed, diverged or is stale, in one sentence.
    """

    folder: RunFolder
    config: RunConfig
    state: str
    epochs_done: int
    losses: Mapping[str, float | None]
    images_per_second: float | None = None
    seconds_left: float | None = None
    place: int | None = None
    reason: str | None = None


def list_jobs(root: Path) -> list[Job]:
    """List the runs in a folder that can be read: running jobs, the queue in order, and ended jobs."""
    return list_jobs_and_problems(root)[0]


def list_jobs_and_problems(root: Path) -> tuple[list[Job], list[str]]:
    """List the runs as `list_jobs` does, and the reason for each run that cannot be read, in one sentence."""
    queue = [folder.path for folder, _ in waiting_jobs(root)]
    jobs, problems = [], []
    for file in sorted(root.glob("*/config.json")):
        folder = RunFolder(file.parent)
        try:
            check_name(folder.path)
            jobs.append(read_job(folder))
        except ValueError as error:
            if is_run(folder):
                problems.append(str(error))
    placed = [job._replace(place=queue.index(job.folder.path)) if job.folder.path in queue else job for job in jobs]
    return sorted(placed, key=lambda job: (STATES.index(job.state), job.place or 0)), problems


def is_run(folder: RunFolder) -> bool:
    """Return whether a folder has other files of a run besides config.json, which other programs write, too."""
    files = (folder.progress, folder.weights, folder.state, folder.status, folder.lock, folder.scores)
    return any(os.path.lexists(file) for file in files)


def read_job(folder: RunFolder) -> Job:
    """Read a run as a job.

    Raises:
        ValueError: If the folder contains no run, or one of its files cannot be read.
    """
    config, last = read_config_once(folder), last_record(folder)
    was_locked = is_locked(folder.lock)  # before the status, since a process reports its end before it unlocks
    status = read_status(folder)
    is_training = was_locked or is_locked(folder.lock)  # and after it, since a process locks before it reports
    state, reason = (
        find_state_with_process(status) if is_training else find_state_without_process(folder, config, status)
    )
    reported: Mapping[str, float | None] = status.losses if status else {}
    return Job(
        folder=folder,
        config=config,
        state=state,
        epochs_done=last.epoch if last else 0,
        losses=last.losses if last else reported,
        images_per_second=status.images_per_second if status and state == "running" else None,
        seconds_left=status.seconds_left if status and state == "running" else None,
        reason=reason,
    )


def find_state_with_process(status: Status | None) -> tuple[str, str | None]:
    """Return the state of a run that a process trains and, if something is wrong, the reason."""
    if status is None:
        return "running", None
    silent = seconds_since(status)
    if silent > SILENT_SECONDS:
        return "stale", f"its process has not reported for {silent:.0f} s"
    return status.state, status.reason


def find_state_without_process(folder: RunFolder, config: RunConfig, status: Status | None) -> tuple[str, str | None]:
    """Return the state of a run without a process: the last reported state, if there is one."""
    if is_starting(status):
        return "waiting", None
    if is_trained(folder, config) or (folder.origin.exists() and folder.weights.exists()):
        reason = why_diverged(folder, weights_checked=has_checked_weights(folder, status))
        return ("diverged", reason) if reason else ("finished", None)
    if status is not None and status.state in ("diverged", "failed", "stopped"):
        return status.state, status.reason
    return ("stopped", None) if folder.stop.exists() else ("stale", VANISHED)


def has_checked_weights(folder: RunFolder, status: Status | None) -> bool:
    """Return whether a training has finished since the checkpoint was written: it checks that its weights are finite.

    Reading thousands of whole checkpoints would take a list of runs minutes.
    """
    if status is None or status.state != "finished":
        return False
    return folder.weights.stat().st_mtime <= status.time


def read_log(path: Path, *, lines: int = LOG_LINES) -> list[str]:
    """Read the last lines of a job's output.

    Raises:
        ValueError: If the run has no log.
    """
    folder = RunFolder(path)
    try:
        text = read_end(folder.log, most_bytes=LOG_BYTES).decode(errors="replace")
    except FileNotFoundError:
        raise ValueError(f"{path} has no log; only runs started with --detach have one") from None
    return text.splitlines()[-lines:]
