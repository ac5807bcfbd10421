"""A run on disk: its settings, progress, checkpoint, origin, scores and report, a file each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from gnl_core.config import RunConfig, describe_invalid
from gnl_core.files import write_atomically
from gnl_core.records import EpochRecord
from gnl_core.runs.outputs import check_output
from gnl_core.strict_json import from_json, to_json


class RunFolder(NamedTuple):
    """Where each part of a run lies."""

    path: Path

    @property
    def config(self) -> Path:
        """The run's settings."""
        return self.path / "config.json"

    @property
    def progress(self) -> Path:
        """One EpochRecord a line."""
        return self.path / "progress.jsonl"

    @property
    def weights(self) -> Path:
        """The checkpoint."""
        return self.path / "weights.safetensors"

    @property
    def state(self) -> Path:
        """What an unfinished training goes on from."""
        return self.path / "state.safetensors"

    @property
    def status(self) -> Path:
        """What the process that trains the run last said of itself."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains the run, as long as it lives."""
        return self.path / ".lock"

    @property
    def stop(self) -> Path:
        """Asks that process to end; there while it has not."""
        return self.path / "stop"

    @property
    def log(self) -> Path:
        """What a job printed."""
        return self.path / "log.txt"

    @property
    def origin(self) -> Path:
        """The file that the run was imported from; runs that were trained have none."""
        return self.path / "origin.json"

    @property
    def scores(self) -> Path:
        """One row per image and scoring settings."""
        return self.path / "scores.parquet"

    @property
    def report(self) -> Path:
        """The metrics of the last scoring."""
        return self.path / "report.json"

    @property
    def epochs(self) -> Path:
        """Folder of the epochs that are kept."""
        return self.path / "epochs"

    def epoch(self, number: int) -> RunFolder:
        """Checkpoint and scores of one epoch, where the run keeps them."""
        return RunFolder(self.epochs / f"{number:03d}")


def create_run(path: Path, config: RunConfig) -> RunFolder:
    """Make a run folder and write its settings.

    Raises:
        ValueError: If the folder already holds a run, cannot be made, or lies among the images of a data set.
    """
    check_output(path, config.data_root, what="the run")
    folder = RunFolder(path)
    if folder.config.exists():
        raise ValueError(f"{path} already holds a run; choose another folder, or remove that one first")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the run folder {path}: {error.strerror}; choose another place") from None
    write_config(folder, config)
    return folder


def write_config(folder: RunFolder, config: RunConfig) -> None:
    """Write a run's settings."""
    write_atomically(folder.config, config.model_dump_json(indent=2, exclude_defaults=False).encode())


def read_config(folder: RunFolder) -> RunConfig:
    """Read a run's settings.

    Raises:
        ValueError: If the folder holds no run, or its settings are not ours.
    """
    try:
        return RunConfig.model_validate_json(folder.config.read_bytes())
    except OSError:
        raise ValueError(
            f"{folder.path} holds no run: {folder.config.name} is missing; train one with gnl train"
        ) from None
    except ValidationError as error:
        raise ValueError(
            f"{folder.config} cannot be read: {describe_invalid(error)}; restore it, or train again"
        ) from None


def write_records(folder: RunFolder, records: Sequence[EpochRecord]) -> None:
    """Write the run's progress, all of it: a line that was cut off, or an epoch that is there twice, cannot be."""
    write_atomically(folder.progress, "".join(to_json(record._asdict()) + "\n" for record in records).encode())


def read_records(folder: RunFolder) -> list[EpochRecord]:
    """Read the run's progress: empty before the first epoch ends, without a last line that was cut off.

    A loss that is not finite, which older versions may have written, is left out.
    """
    if not folder.progress.exists():
        return []
    lines = folder.progress.read_text(encoding="utf-8").splitlines(keepends=True)
    records = [EpochRecord(**from_json(line)) for line in lines if line.endswith("\n")]
    return [
        record._replace(losses={name: value for name, value in record.losses.items() if value is not None})
        for record in records
    ]


def is_trained(folder: RunFolder, config: RunConfig) -> bool:
    """Whether a run's training is done: all of its epochs, or the one of a method that has no losses."""
    records = read_records(folder)
    if not records or not folder.weights.exists() or folder.state.exists():
        return False
    return records[-1].epoch >= config.epochs or not records[-1].losses
