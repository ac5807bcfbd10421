"""Trainings as processes of their own: start, list, stop, resume and delete them, and read their logs.

A process outlives whoever started it. All that is known of it is in its run's folder, so any program may ask.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import gnl_core
from gnl_core.config import RunConfig
from gnl_core.datasets import check_class, find_dataset
from gnl_core.detectors import find_method
from gnl_core.runs.diverged import why_diverged
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config, read_records
from gnl_core.runs.locks import is_locked
from gnl_core.runs.removing import remove_run
from gnl_core.runs.resuming import open_unfinished
from gnl_core.runs.status import Status, is_starting, lives, read_status, write_status
from gnl_core.runs.work import waiting_jobs

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
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.1
LOG_LINES = 20
LOG_BYTES = 2**16  # of a long log, the end alone is read
VANISHED = "its process ended without a word: it was killed, ran out of memory, or the machine was started anew"
NO_CHANGES: Mapping[str, object] = MappingProxyType({})


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


def start(config: RunConfig, path: Path, *, at_once: bool = False) -> RunFolder:
    """Start a training as a process of its own.

    Args:
        config: The run's settings.
        path: Folder to make for the run. Jobs of the same folder of runs wait for each other.
        at_once: Whether to start without waiting.

    Raises:
        ValueError: If the folder holds a run or cannot be made, the settings name a method, data set or class that
            there is not, or several devices or nodes are asked for.
    """
    check_alone(config)
    find_method(config.detector)
    check_class(find_dataset(config.dataset, config.data_root), config.normal_class)
    folder = create_run(path, config)
    launch(folder, at_once=at_once)
    return folder


def resume(path: Path, changes: Mapping[str, object] = NO_CHANGES, *, at_once: bool = False) -> RunFolder:
    """Let an unfinished run go on as a process of its own; the arguments are those of `start` and `open_unfinished`.

    Raises:
        ValueError: If it is being trained, or cannot go on.
    """
    folder = RunFolder(path)
    if lives(folder):
        raise ValueError(f"{path} is being trained already; gnl runs shows it")
    check_alone(open_unfinished(folder, changes))
    launch(folder, at_once=at_once)
    return folder


def check_alone(config: RunConfig) -> None:
    """Refuse settings of several processes."""
    if config.devices * config.num_nodes > 1:
        raise ValueError("several devices or nodes train in the foreground alone; leave --detach out")


def launch(folder: RunFolder, *, at_once: bool) -> None:
    """Start the process; it has a session of its own, and what it prints is the run's log."""
    folder.stop.unlink(missing_ok=True)
    write_status(folder, Status(state="waiting"))
    command = [sys.executable, "-m", "gnl_core", "train", "--run", str(folder.path.absolute()), "--resume", "--job"]
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            [*command, *(["--at-once"] if at_once else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(),
            **detached(),
        )
    threading.Thread(target=process.wait, daemon=True).start()  # else it would stay a zombie where this one lives on


def environment() -> dict[str, str]:
    """This process's environment, so that the same gnl is found."""
    here = str(Path(gnl_core.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}


def detached() -> dict[str, Any]:
    """What makes a process outlive the one that starts it, its terminal too."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def stop(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask a run's process to save and end; kill it if it does not.

    Raises:
        ValueError: If nobody trains the run, or it is another machine that does and does not end it.
    """
    ask_to_stop(path)
    folder = RunFolder(path)
    if wait_until(lambda: not lives(folder), seconds=patience_seconds):
        return
    status = read_status(folder)
    if status is None or status.pid is None:
        raise ValueError(f"{path} was just started and has not answered; it will stop as soon as it is there")
    if status.host != platform.node():
        raise ValueError(
            f"{path} is trained on {status.host} and has not answered yet; stop process {status.pid} there"
        )
    if is_locked(folder.lock):  # the number is still its own
        os.kill(status.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        wait_until(lambda: not is_locked(folder.lock), seconds=patience_seconds)


def ask_to_stop(path: Path) -> None:
    """Ask a run's process to save and end, which it does after the batch under way; do not wait for it.

    Raises:
        ValueError: If nobody trains the run.
    """
    folder = RunFolder(path)
    if not lives(folder):
        raise ValueError(f"{path} is not being trained, so there is nothing to stop")
    folder.stop.touch()


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for something, not for ever; whether it came."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def delete(path: Path) -> None:
    """Remove a run's files; others in its folder stay.

    Raises:
        ValueError: If the folder holds no run, or one that is being trained.
    """
    folder = RunFolder(path)
    read_config(folder)
    if lives(folder):
        raise ValueError(f"{path} is being trained; stop it first: gnl runs --stop {path}")
    remove_run(folder)


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
