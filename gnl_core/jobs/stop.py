"""Stop a training, and delete a run."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path

from gnl_core.jobs.locks import is_locked
from gnl_core.jobs.status import is_alive, read_status
from gnl_core.runs.deletion import remove_run
from gnl_core.runs.folder import RunFolder, read_config

PATIENCE_SECONDS = 20.0


PAUSE_SECONDS = 0.1


def stop(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask a run's process to save and end; kill it if it does not.

    Raises:
        ValueError: If nobody trains the run, or it is another machine that does and does not end it.
    """
    ask_to_stop(path)
    folder = RunFolder(path)
    if wait_until(lambda: not is_alive(folder), seconds=patience_seconds):
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
    if not is_alive(folder):
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
    if is_alive(folder):
        raise ValueError(f"{path} is being trained; stop it first: gnl runs --stop {path}")
    remove_run(folder)
