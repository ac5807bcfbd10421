"""Start or resume a training as a process of its own, which outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gnl_core
from gnl_core.config import RunConfig, flag_of, parse_config
from gnl_core.datasets import check_class, find_dataset
from gnl_core.detectors import find_method
from gnl_core.jobs.status import Status, is_alive, read_status, write_status
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import (
    RunFolder,
    create_run,
    is_trained,
    read_config,
    write_config,
)

NO_CHANGES: Mapping[str, object] = MappingProxyType({})


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
    if is_alive(folder):
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


def open_unfinished(folder: RunFolder, changes: Mapping[str, object]) -> RunConfig:
    """The settings with which an unfinished run goes on; those that decide nothing that is learnt may change.

    Args:
        folder: The run.
        changes: Settings that are given anew.

    Raises:
        ValueError: If there is no run, it is finished, has diverged, has no state, or was begun with other settings; or
            if a change is none that a setting can take.
    """
    begun, status = read_config(folder), read_status(folder)
    if status is not None and status.state == "diverged":
        raise ValueError(
            f"{folder.path} diverged, and would diverge again with the same settings; "
            "train another run with a smaller --learning-rate"
        )
    if is_trained(folder, begun):
        raise ValueError(f"{folder.path} is finished, nothing is left to train; score it, or train another run")
    if folder.weights.exists() and not folder.state.exists():
        raise ValueError(
            f"{folder.path} has a checkpoint, but no state that its training could go on from; "
            "score it as it is, or train another run"
        )
    config = parse_config(begun.model_dump() | dict(changes))
    for name, before, now in differing_settings(begun, config):
        raise ValueError(
            f"{folder.path} was begun with {name} = {before}, but {now} is asked for; "
            f"resume it without {flag_of(name)}, or train another run"
        )
    if config != begun:
        write_config(folder, config)
    return config
