"""Find runs: those in a folder, those of a comparison, and the epochs that a run keeps."""

from __future__ import annotations

import re
from pathlib import Path

from gnl_core.config import RunConfig
from gnl_core.runs.folder import RunFolder

EPOCH_NAME = re.compile("[0-9]{3}|[1-9][0-9]{3,5}")  # as `RunFolder.epoch` writes it


def kept_epochs(folder: RunFolder) -> list[int]:
    """Return the epochs whose checkpoints a run keeps, in ascending order; other folders are ignored."""
    names = (file.parent.name for file in folder.epochs.glob("*/weights.safetensors"))
    return sorted(int(name) for name in names if EPOCH_NAME.fullmatch(name))


def find_epoch(folder: RunFolder, number: int) -> RunFolder:
    """Return the folder of one epoch that a run keeps.

    Raises:
        ValueError: If the run keeps no checkpoint of that epoch.
    """
    kept = kept_epochs(folder)
    if number not in kept:
        available = f"it keeps {', '.join(map(str, kept))}" if kept else "it keeps none; train with --keep-epochs"
        raise ValueError(f"{folder.path} keeps no checkpoint of epoch {number}: {available}")
    return folder.epoch(number)


def list_runs(root: Path) -> list[RunFolder]:
    """List the runs directly in a folder that have a checkpoint, sorted by name."""
    return [RunFolder(weights.parent) for weights in sorted(root.glob("*/weights.safetensors"))]


def cell_folder(output: Path, config: RunConfig) -> RunFolder:
    """Return the run folder that a comparison uses for these settings."""
    return RunFolder(output / f"{config.dataset}-{config.normal_class}-{config.detector}-seed{config.seed}")
