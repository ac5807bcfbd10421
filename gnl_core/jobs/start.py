"""Start or resume a training as a separate process that outlives its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gnl_core
from gnl_core.config import RunConfig, parse_config
from gnl_core.config.flags import flag_of
from gnl_core.datasets import check_class, find_dataset
from gnl_core.detectors import complete_config, keep_own_settings
from gnl_core.jobs.status import Status, find_status, is_alive, is_starting, read_status, write_status
from gnl_core.jobs.worker import TURN
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import (
    RunFolder,
    create_run,
    is_trained,
    read_config,
    write_config,
)
from gnl_core.runs.training import check_teacher_weights

NO_CHANGES: Mapping[str, object] = MappingProxyType({})


def start(config: RunConfig, path: Path, *, at_once: bool = False, turn: Path | None = None) -> RunFolder:
    """Start a training as a separate process.

    Args:
        config: The run's settings.
        path: Folder to create for the run. Jobs whose runs are in the same folder wait for each other.
        at_once: Whether to start without waiting for other jobs.
        turn: Lock file of the job whose turn it is, if jobs of several folders of runs train in turn.

    Raises:
        ValueError: If the folder contains a run or cannot be created, the settings name an unknown method, data set or
            class, the method's settings are invalid, the teacher's weight file cannot be used, or several devices or
            nodes are requested.
    """
    check_single_process(config)
    config = complete_config(config)
    check_class(find_dataset(config.dataset, config.data_root), config.normal_class)
    check_teacher_weights(config)
    folder = create_run(path, config)
    launch(folder, at_once=at_once, turn=turn)
    return folder


def resume(
    path: Path, changes: Mapping[str, object] = NO_CHANGES, *, at_once: bool = False, turn: Path | None = None
) -> RunFolder:
    """Resume an unfinished run as a separate process; see `start` and `open_unfinished` for the arguments.

    Raises:
        ValueError: If the run is being trained or cannot be resumed.
    """
    folder = RunFolder(path)
    if is_alive(folder):
        raise ValueError(f"{path} is already being trained; see gnl runs")
    check_single_process(open_unfinished(folder, changes))
    launch(folder, at_once=at_once, turn=turn)
    return folder


def check_single_process(config: RunConfig) -> None:
    """Raise ValueError for settings that need several processes."""
    if config.devices * config.num_nodes > 1:
        raise ValueError("training on several devices or nodes runs only in the foreground; leave out --detach")


def launch(folder: RunFolder, *, at_once: bool, turn: Path | None = None) -> None:
    """Start the process in its own session, with its output in the run's log.

    Raises:
        OSError: If it cannot be started.
    """
    folder.stop.unlink(missing_ok=True)
    write_status(folder, Status(state="waiting"))
    command = [sys.executable, "-m", "gnl_core", "train", "--run", str(folder.path.absolute()), "--resume", "--job"]
    try:
        with folder.log.open("ab") as log:
            process = subprocess.Popen(  # our own command, and no shell reads the path in it  # nosec B603
                [*command, *(["--at-once"] if at_once else [])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment() | ({TURN: str(turn.absolute())} if turn else {}),
                **detached(),
            )
    except OSError as error:
        report_not_begun(folder, f"its process could not be started: {error.strerror}")
        raise
    threading.Thread(target=watch_start, args=(process, folder), daemon=True).start()


def watch_start(process: subprocess.Popen[bytes], folder: RunFolder) -> None:
    """Wait for a process, so that it is no zombie while this one lives, and report if it was killed before it began."""
    if process.wait() != 0:
        report_not_begun(folder, "its process ended before training began; see its log")


def report_not_begun(folder: RunFolder, reason: str) -> None:
    """Write that a process failed, if it has not reported itself."""
    status = find_status(folder)
    if is_starting(status):
        with suppress(OSError):  # the folder is gone
            write_status(folder, Status(state="failed", queued=status.queued, reason=reason))


def environment() -> dict[str, str]:
    """Return this process's environment, with PYTHONPATH set so that the same gnl is imported."""
    here = str(Path(gnl_core.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}


def detached() -> dict[str, Any]:
    """Return the Popen arguments with which a process outlives its parent and terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def open_unfinished(folder: RunFolder, changes: Mapping[str, object]) -> RunConfig:
    """Return the settings for resuming an unfinished run; those that do not affect training may change.

    Args:
        folder: The run's folder.
        changes: Settings to change.

    Raises:
        ValueError: If there is no run, it is finished, has diverged or has no state; or if a change is invalid or
            affects training, or names a weight file that cannot be used.
    """
    begun, status = keep_own_settings(read_config(folder)), read_status(folder)
    if status is not None and status.state == "diverged":
        raise ValueError(
            f"{folder.path} diverged, and would diverge again with the same settings; "
            "train a new run with a smaller --learning-rate"
        )
    if is_trained(folder, begun):
        raise ValueError(f"{folder.path} is finished, so there is nothing left to train; score it, or train a new run")
    if folder.weights.exists() and not folder.state.exists():
        raise ValueError(
            f"{folder.path} has a checkpoint, but no state to resume training from; "
            "score it as it is, or train a new run"
        )
    config = parse_config(begun.model_dump() | dict(changes))
    for name, before, now in differing_settings(begun, config):
        raise ValueError(
            f"{folder.path} was started with {name} = {before}, but {now} is requested; "
            f"resume it without {flag_of(name)}, or train a new run"
        )
    config = complete_config(config)
    if config.teacher_weights != begun.teacher_weights:
        check_teacher_weights(config)
    if config != begun:
        write_config(folder, config)
    return config
