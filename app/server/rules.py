"""What this server allows. Pages ask these functions, and nothing else decides; docs/server.md explains the modes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.server import people
from app.server.paths import lies_under, resolve_path, size_of_folder
from app.server.rate import RateLimit
from app.server.settings import Limits, Mode, read_settings
from gnl_core.config import EVERYWHERE, REGION_TEXT, RunConfig
from gnl_core.config.values import EngineName
from gnl_core.datasets import default_root
from gnl_core.names import TEACHER_NAMES

READ_ONLY = (
    "This server is read only: to train, import or delete runs, install GNL on your own machine, where it runs offline."
)
PEOPLE = "people"  # folder in $GNL_RUNS with a folder for each person
COMPUTATIONS = RateLimit(seconds=60.0)


def mode() -> Mode:
    """Return the mode of this server; raises as `read_settings`."""
    return read_settings(os.environ).mode


def limits() -> Limits:
    """Return what this server computes and keeps; raises as `read_settings`."""
    return read_settings(os.environ).limits


def engine() -> EngineName | None:
    """Return what computes the teacher in scoring; None for the engine in each run's settings."""
    return read_settings(os.environ).engine


def may_change_runs() -> bool:
    """Return whether visitors may train, import and delete runs."""
    return mode() != "public"


def check_may_change_runs() -> None:
    """Raise ValueError if visitors may not train, import or delete runs."""
    if not may_change_runs():
        raise ValueError(READ_ONLY)


def may_type_paths() -> bool:
    """Return whether visitors may type the path of a folder."""
    return mode() != "public"


def may_show(run: str) -> bool:
    """Return whether the pages show a run or comparison of $GNL_RUNS, by the name of its folder."""
    settings = read_settings(os.environ)
    return settings.mode != "public" or run in settings.listed_runs


def may_open(path: Path) -> bool:
    """Return whether the app opens a path that a visitor or a file names.

    For one person, any. Otherwise only what lies under $GNL_DATA, the operator's roots or the visitor's own runs, after
    following symlinks.
    """
    settings = read_settings(os.environ)
    if settings.mode == "personal":
        return True
    data = default_root()
    own = [own_runs()] if settings.mode == "shared" else []
    return lies_under(path, [*([data] if data else []), *settings.roots, *own])


def open_path(path: Path) -> Path:
    """Return a path without symlinks and `..`, to be opened as it is returned.

    Raises:
        ValueError: If it can be no path, or this server does not open it.
    """
    resolved = resolve_path(path)
    if not may_open(resolved):
        raise ValueError(f"this server does not open {path}; ask its operator to add the folder to its roots")
    return resolved


def check_paths(config: RunConfig, *, name: str) -> None:
    """Check that this server opens the paths in a run's settings.

    Args:
        config: The settings.
        name: The run's name in the message.

    Raises:
        ValueError: If it does not open one of them.
    """
    for path in (config.data_root, config.teacher_weights, region_file(config)):
        if path is not None and not may_open(path):
            raise ValueError(f"{name} names a path that this server does not open; ask its operator to add its folder")


def region_file(config: RunConfig) -> Path | None:
    """Return the mask file of a region of interest; None without one, and for a region that is written as text."""
    region = config.region_of_interest
    return None if region == EVERYWHERE or REGION_TEXT.fullmatch(region) else Path(region)


def may_name_any_teacher() -> bool:
    """Return whether visitors may train with any teacher of timm, whose weights can take gigabytes to download."""
    return mode() == "personal"


def check_teacher(config: RunConfig) -> None:
    """Raise ValueError if visitors may not train with a run's teacher."""
    if not may_name_any_teacher() and config.teacher not in TEACHER_NAMES:
        raise ValueError(f"this server trains with its own teachers alone; choose one of: {', '.join(TEACHER_NAMES)}")


def all_runs() -> Path:
    """Return the folder of all runs: $GNL_RUNS, else the project's folder runs."""
    return Path(os.environ.get("GNL_RUNS", Path(__file__).parents[2] / "runs"))


def own_runs() -> Path:
    """Return the folder of the runs that the pages list and start: on a shared server, the person's own.

    Raises:
        ValueError: If the server is shared and nobody is signed in.
    """
    return all_runs() / PEOPLE / people.person() if mode() == "shared" else all_runs()


def queues() -> list[Path]:
    """Return the folders whose trainings wait for each other: on a shared server, those of all people."""
    if mode() != "shared":
        return [all_runs()]
    return [folder for folder in sorted((all_runs() / PEOPLE).glob("*")) if folder.is_dir()]


def check_space() -> None:
    """Raise ValueError if all runs together take as much space as they may."""
    most = limits().runs_gb
    if size_of_folder(all_runs()) >= most * 10**9:
        raise ValueError(f"the runs take all of the {most} GB that this server has for them; delete some first")


def this_visitor() -> str:
    """Return a key for limits per person; only a page that is being drawn knows whom it is drawn for."""
    return people.visitor(signed_in=mode() == "shared")


def count_computation(images: int = 1, *, visitor: str | None = None) -> None:
    """Count one scoring, adaptation or measurement.

    Args:
        images: Number of images that it is for.
        visitor: Whose it is; unset: the one for whom the page is being drawn.

    Raises:
        ValueError: If they are more than this server computes at once, or if the visitor has started too many
            computations within a minute.
    """
    most = limits()
    if images > most.images_per_request:
        raise ValueError(
            f"these are {images:,} images, and this server computes at most {most.images_per_request:,} at once; use "
            "the command line"
        )
    per_minute = most.computations_per_minute
    wait = COMPUTATIONS.take(visitor or this_visitor(), most=per_minute, now=time.monotonic())
    if wait:
        raise ValueError(
            f"more than {per_minute} computations were started within a minute; wait {wait:.0f} s and reload"
        )
