"""Runs as a list of jobs: the state of each, read from its folder, and its log."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gnl_core.config import RunConfig
from gnl_core.jobs.locks import is_locked
from gnl_core.jobs.status import Status, is_starting, read_status
from gnl_core.jobs.worker import waiting_jobs
from gnl_core.runs.diverged import why_diverged
from gnl_core.runs.folder import RunFolder, is_trained, read_config, read_records

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


LOG_BYTES = 2**16  # of a long log, the end alone is read


VANISHED = "its process ended without a word: it was killed, ran out of memory, or the machine was started anew"


class Job(NamedTuple):
    """A run as a list of jobs shows it.

    Attributes:
        folder: The run.
        config: Its settings.
        state: One of STATES. A stale one has neither ended by its own word nor a process that gives signs of life.
        epochs_done: Epochs whose checkpoint is there.
        losses: Each named loss, the last epoch's mean; None where it is not finite.
        images_per_second: While it runs.
        seconds_left: While it runs.
        place: Of a waiting one, how many jobs of the queue start before it.
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
    """All runs right below a folder: those that run, the queue in its order, and those that have ended."""
    queue = [folder.path for folder, _ in waiting_jobs(root)]
    jobs = []
    for file in sorted(root.glob("*/config.json")):
        with suppress(ValueError):  # a file of that name that is none of ours
            jobs.append(read_job(RunFolder(file.parent)))
    placed = [job._replace(place=queue.index(job.folder.path)) if job.folder.path in queue else job for job in jobs]
    return sorted(placed, key=lambda job: (STATES.index(job.state), job.place or 0))


def read_job(folder: RunFolder) -> Job:
    """One run as a job.

    Raises:
        ValueError: If the folder holds no run.
    """
    config, status, records = read_config(folder), read_status(folder), read_records(folder)
    state, reason = judge(folder, config, status)
    told: Mapping[str, float | None] = status.losses if status else {}
    return Job(
        folder=folder,
        config=config,
        state=state,
        epochs_done=records[-1].epoch if records else 0,
        losses=records[-1].losses if records else told,
        images_per_second=status.images_per_second if status and state == "running" else None,
        seconds_left=status.seconds_left if status and state == "running" else None,
        reason=reason,
    )


def judge(folder: RunFolder, config: RunConfig, status: Status | None) -> tuple[str, str | None]:
    """A run's state and, if something is wrong, what."""
    if not is_locked(folder.lock):
        return judge_without_process(folder, config, status)
    if status is None:
        return "running", None
    silent = time.time() - status.time
    if silent > SILENT_SECONDS:
        return "stale", f"its process has given no sign of life for {silent:.0f} s"
    return status.state, status.reason


def judge_without_process(folder: RunFolder, config: RunConfig, status: Status | None) -> tuple[str, str | None]:
    """State of a run that no process holds: what it said last, if it had the time to."""
    if is_starting(status):
        return "waiting", None
    if is_trained(folder, config) or folder.origin.exists():
        reason = why_diverged(folder)
        return ("diverged", reason) if reason else ("finished", None)
    if status is not None and status.state in ("diverged", "failed", "stopped"):
        return status.state, status.reason
    return ("stopped", None) if folder.stop.exists() else ("stale", VANISHED)


def read_log(path: Path, *, lines: int = LOG_LINES) -> list[str]:
    """The last lines of what a job printed.

    Raises:
        ValueError: If the run has no log.
    """
    folder = RunFolder(path)
    try:
        with folder.log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - LOG_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        raise ValueError(f"{path} has no log; runs that were started with --detach have one") from None
    return text.splitlines()[-lines:]
