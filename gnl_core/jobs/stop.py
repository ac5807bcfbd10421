"""Stop trainings and delete runs."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.status import find_status, is_alive
from gnl_core.runs.deletion import remove_run
from gnl_core.runs.folder import RunFolder, read_config

PATIENCE_SECONDS = 20.0


PAUSE_SECONDS = 0.1


def stop(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask a run's process to save and end; kill it if it does not.

    Raises:
        ValueError: If no process trains the run, or its process is on another machine and does not end in time.
    """
    ask_to_stop(path)
    folder = RunFolder(path)
    if wait_until(lambda: not is_alive(folder), seconds=patience_seconds):
        return
    status = find_status(folder)
    if status is None or status.pid is None:
        raise ValueError(f"{path} was just started and has not responded; it will stop once it is running")
    if status.host != platform.node():
        raise ValueError(f"{path} is trained on {status.host} and has not responded; stop process {status.pid} there")
    if is_locked(folder.lock):  # the process id is still valid
        os.kill(status.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        wait_until(lambda: not is_locked(folder.lock), seconds=patience_seconds)


def ask_to_stop(path: Path) -> None:
    """Ask a run's process to save and end after the current batch, without waiting.

    Raises:
        ValueError: If no process trains the run.
    """
    folder = RunFolder(path)
    if not is_alive(folder):
        raise ValueError(f"{path} is not being trained, so there is nothing to stop")
    folder.stop.touch()


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for a condition for a limited time; return whether it was met."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def delete(path: Path) -> None:
    """Delete a run's files; other files in its folder stay.

    Raises:
        ValueError: If the folder contains no run, or the run is being trained.
    """
    folder = RunFolder(path)
    read_config(folder)
    trained = f"{path} is being trained; stop it first: gnl runs --stop {path}"
    if is_alive(folder):
        raise ValueError(trained)
    with holding(folder.lock) as acquired:  # a training that begins meanwhile is refused
        if not acquired:
            raise ValueError(trained)
        remove_run(folder)
    with suppress(OSError):  # the folder contains other files
        folder.lock.unlink(missing_ok=True)
        path.rmdir()
