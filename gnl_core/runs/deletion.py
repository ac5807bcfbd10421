"""Delete a run's files: all of them, those of a run that never started, or temporary files of a killed process."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from gnl_core.runs.folder import RunFolder


def discard_unstarted_run(folder: RunFolder) -> None:
    """Undo `create_run` unless the run has a checkpoint, a saved state or a log; keep other files in the folder."""
    if not folder.path.exists() or any(file.exists() for file in (folder.weights, folder.state, folder.log)):
        return
    for file in (folder.config, folder.origin):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # the folder contains other files
        folder.path.rmdir()


def remove_run(folder: RunFolder) -> None:
    """Remove all files of a run except its lock, which the caller holds; its settings last."""
    remove_temporary_files(folder)
    if folder.epochs.exists():
        shutil.rmtree(folder.epochs)
    for file in (*files_besides_config(folder), folder.config):
        if file != folder.lock:
            file.unlink(missing_ok=True)


def remove_temporary_files(folder: RunFolder) -> None:
    """Remove the temporary files of a process that was killed while writing."""
    for file in (folder.config, *files_besides_config(folder)):
        for temporary in folder.path.glob(f".{file.name}.*"):
            temporary.unlink(missing_ok=True)


def files_besides_config(folder: RunFolder) -> tuple[Path, ...]:
    """Return all files that a run may have besides its settings."""
    learnt = (folder.progress, folder.weights, folder.state, folder.origin)
    scored = (folder.scores, folder.adapted, folder.line, folder.tray_scores, folder.report)
    return (*learnt, *scored, folder.status, folder.lock, folder.stop, folder.log)
