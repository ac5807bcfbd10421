"""Delete a run's files: all of them, those of a run that never began, or those that a killed process left."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from gnl_core.runs.folder import RunFolder


def discard_unstarted_run(folder: RunFolder) -> None:
    """Take back what `create_run` made, unless the run has a checkpoint or a state, or is a job; other files stay."""
    if not folder.path.exists() or any(file.exists() for file in (folder.weights, folder.state, folder.log)):
        return
    for file in (folder.config, folder.origin):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        folder.path.rmdir()


def remove_run(folder: RunFolder) -> None:
    """Remove all files of a run, its settings last; others in its folder stay, and so does the folder then."""
    remove_leftovers(folder)
    if folder.epochs.exists():
        shutil.rmtree(folder.epochs)
    for file in (*parts_of(folder), folder.config):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        folder.path.rmdir()


def remove_leftovers(folder: RunFolder) -> None:
    """Remove the temporary files of a process that was killed while it wrote."""
    for file in (folder.config, *parts_of(folder)):
        for left in folder.path.glob(f".{file.name}.*"):
            left.unlink(missing_ok=True)


def parts_of(folder: RunFolder) -> tuple[Path, ...]:
    """All files that a run may have beside its settings."""
    learnt = (folder.progress, folder.weights, folder.state, folder.origin, folder.scores, folder.report)
    return (*learnt, folder.status, folder.lock, folder.stop, folder.log)
