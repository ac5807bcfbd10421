"""Where runs lie: those below a folder, a comparison's, and the epochs that a run keeps."""

from __future__ import annotations

from pathlib import Path

from gnl_core.config import RunConfig
from gnl_core.runs.folder import RunFolder


def kept_epochs(folder: RunFolder) -> list[int]:
    """The epochs whose checkpoints a run keeps, ascending."""
    return sorted(int(file.parent.name) for file in folder.epochs.glob("*/weights.safetensors"))


def find_epoch(folder: RunFolder, number: int) -> RunFolder:
    """One of the epochs that a run keeps.

    Raises:
        ValueError: If it keeps no checkpoint of it.
    """
    kept = kept_epochs(folder)
    if number not in kept:
        there = f"it keeps {', '.join(map(str, kept))}" if kept else "it keeps none; train with --keep-epochs"
        raise ValueError(f"{folder.path} keeps no checkpoint of epoch {number}: {there}")
    return folder.epoch(number)


def list_runs(root: Path) -> list[RunFolder]:
    """All runs right below a folder that have a checkpoint, by name."""
    return [RunFolder(weights.parent) for weights in sorted(root.glob("*/weights.safetensors"))]


def cell_folder(output: Path, config: RunConfig) -> RunFolder:
    """Where a comparison in a folder keeps the run of these settings."""
    return RunFolder(output / f"{config.dataset}-{config.normal_class}-{config.detector}-seed{config.seed}")
