"""A run on disk: separate files for settings, progress, checkpoint, origin, scores and report."""

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
    """Paths of a run's files."""

    path: Path

    @property
    def config(self) -> Path:
        """The run's settings."""
        return self.path / "config.json"

    @property
    def progress(self) -> Path:
        """One EpochRecord per line."""
        return self.path / "progress.jsonl"

    @property
    def weights(self) -> Path:
        """The checkpoint."""
        return self.path / "weights.safetensors"

    @property
    def state(self) -> Path:
        """The state from which an unfinished training resumes."""
        return self.path / "state.safetensors"

    @property
    def status(self) -> Path:
        """The last status of the process that trains the run."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """The lock held by the process that trains the run."""
        return self.path / ".lock"

    @property
    def stop(self) -> Path:
        """A file whose presence asks that process to stop."""
        return self.path / "stop"

    @property
    def log(self) -> Path:
        """The output of a job."""
        return self.path / "log.txt"

    @property
    def origin(self) -> Path:
        """Path and hash of the imported file; absent for trained runs."""
        return self.path / "origin.json"

    @property
    def scores(self) -> Path:
        """One row per image and scoring settings."""
        return self.path / "scores.parquet"

    @property
    def adapted(self) -> Path:
        """Scores under adaptations to a few images of a domain."""
        return self.path / "adapted.json"

    @property
    def tray_scores(self) -> Path:
        """One row per image, scoring settings and tray that was put to use; see `gnl_core.runs.tray_scores`."""
        return self.path / "tray_scores.parquet"

    @property
    def report(self) -> Path:
        """The metrics of the last scoring."""
        return self.path / "report.json"

    @property
    def epochs(self) -> Path:
        """Folder of the kept epochs."""
        return self.path / "epochs"

    def epoch(self, number: int) -> RunFolder:
        """Return the folder for checkpoint and scores of one kept epoch."""
        return RunFolder(self.epochs / f"{number:03d}")


def create_run(path: Path, config: RunConfig) -> RunFolder:
    """Create a run folder and write its settings.

    Raises:
        ValueError: If the folder already contains a run, cannot be created, or lies among the images of a data set.
    """
    check_output(path, config.data_root, what="the run")
    folder = RunFolder(path)
    if folder.config.exists():
        raise ValueError(f"{path} already contains a run; choose another folder, or delete that run first")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot create the run folder {path}: {error.strerror}; choose another folder") from None
    write_config(folder, config)
    return folder


def write_config(folder: RunFolder, config: RunConfig) -> None:
    """Write a run's settings."""
    write_atomically(folder.config, config.model_dump_json(indent=2, exclude_defaults=False).encode())


def read_config(folder: RunFolder) -> RunConfig:
    """Read a run's settings.

    Raises:
        ValueError: If the folder contains no run, or its settings are invalid.
    """
    try:
        return RunConfig.model_validate_json(folder.config.read_bytes())
    except OSError:
        raise ValueError(
            f"{folder.path} contains no run: {folder.config.name} is missing; train a run with gnl train"
        ) from None
    except ValidationError as error:
        raise ValueError(
            f"{folder.config} cannot be read: {describe_invalid(error)}; restore it, or train again"
        ) from None


def write_records(folder: RunFolder, records: Sequence[EpochRecord]) -> None:
    """Write the whole progress file, so that it has no truncated lines or repeated epochs."""
    write_atomically(folder.progress, "".join(to_json(record._asdict()) + "\n" for record in records).encode())


def read_records(folder: RunFolder) -> list[EpochRecord]:
    """Read the run's progress: empty before the first epoch ends; a truncated last line is ignored.

    Losses that are not finite, which older versions may have written, are left out.
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
    """Return whether training is complete: all epochs, or the single epoch of a method without losses."""
    records = read_records(folder)
    if not records or not folder.weights.exists() or folder.state.exists():
        return False
    return records[-1].epoch >= config.epochs or not records[-1].losses
