"""A run on disk: separate files for settings, progress, checkpoint, origin, scores and report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from gnl_core.config import LARGEST_EPOCHS, RunConfig
from gnl_core.files import UnreadableFileError, Version, read_text, version_of
from gnl_core.files.records import FiniteOrNone, SavedRecord, parse_record, read_record
from gnl_core.files.writing import create_atomically, write_atomically
from gnl_core.records import EpochRecord
from gnl_core.runs.outputs import check_output
from gnl_core.strict_json import to_json

MOST_LOSSES = 64  # no method has more than a few
CONFIG_REMEDY = "restore it, or train again"
PROGRESS_REMEDY = "restore it, or train the run again"
LONGEST_NAME = 100  # characters of a loss
MOST_KEPT = 8192  # runs whose settings and last epoch are kept for lists of runs, which are read again every second


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
    def line(self) -> Path:
        """Scores of the example line."""
        return self.path / "line.json"

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


class SavedEpoch(SavedRecord):
    """One line of the progress file: an EpochRecord."""

    epoch: int = Field(ge=1, le=LARGEST_EPOCHS)
    losses: dict[Annotated[str, Field(max_length=LONGEST_NAME)], FiniteOrNone] = Field(max_length=MOST_LOSSES)
    elapsed_seconds: float = Field(ge=0)

    def to_record(self) -> EpochRecord:
        """Return the record without losses that are not finite."""
        losses = {name: value for name, value in self.losses.items() if value is not None}
        return EpochRecord(self.epoch, losses, self.elapsed_seconds)


def create_run(path: Path, config: RunConfig) -> RunFolder:
    """Create a run folder and write its settings.

    Raises:
        ValueError: If the folder already contains a run, cannot be created, or lies among the images of a data set.
    """
    check_output(path, config.data_root, what="the run")
    folder = RunFolder(path)
    taken = f"{path} already contains a run; choose another folder, or delete that run first"
    if folder.config.exists():
        raise ValueError(taken)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot create the run folder {path}: {error.strerror}; choose another folder") from None
    try:
        create_atomically(folder.config, config_bytes(config))
    except FileExistsError:  # of another process, meanwhile
        raise ValueError(taken) from None
    return folder


def write_config(folder: RunFolder, config: RunConfig) -> None:
    """Write a run's settings."""
    write_atomically(folder.config, config_bytes(config))


def config_bytes(config: RunConfig) -> bytes:
    """Return the content of config.json."""
    return config.model_dump_json(indent=2, exclude_defaults=False).encode()


def read_config(folder: RunFolder) -> RunConfig:
    """Read a run's settings.

    Raises:
        ValueError: If the folder contains no run, or its settings are invalid.
    """
    try:
        return read_record(folder.config, RunConfig, remedy=CONFIG_REMEDY)
    except FileNotFoundError:
        raise ValueError(
            f"{folder.path} contains no run: {folder.config.name} is missing; train a run with gnl train"
        ) from None


def read_config_once(folder: RunFolder) -> RunConfig:
    """Read a run's settings, once for each version of their file, for lists of runs; errors as for `read_config`."""
    return config_of_version(folder, version_of(folder.config))


@lru_cache(maxsize=MOST_KEPT)
def config_of_version(folder: RunFolder, version: Version | None) -> RunConfig:
    """Return the result of `read_config` for this version of the settings."""
    return read_config(folder)


def find_config(folder: RunFolder) -> RunConfig | None:
    """Read a run's settings, for the folder of a kept epoch those of its run; None if there are none.

    Raises:
        UnreadableFileError: If they are damaged.
    """
    is_epoch = folder.path.parent.name == folder.epochs.name
    run = RunFolder(folder.path.parents[1]) if is_epoch else folder
    try:
        return read_record(run.config, RunConfig, remedy=CONFIG_REMEDY)
    except FileNotFoundError:
        return None


def write_records(folder: RunFolder, records: Sequence[EpochRecord]) -> None:
    """Write the whole progress file, so that it has no truncated lines or repeated epochs."""
    write_atomically(folder.progress, "".join(to_json(record._asdict()) + "\n" for record in records).encode())


def read_records(folder: RunFolder) -> list[EpochRecord]:
    """Read the run's progress: empty before the first epoch ends; a truncated last line is ignored.

    Losses that are not finite, which older versions may have written, are left out.

    Raises:
        UnreadableFileError: If the file is damaged, or has more lines or losses than a training can have.
    """
    return [parse_line(folder, line, number=number) for number, line in enumerate(read_lines(folder), start=1)]


def read_lines(folder: RunFolder) -> list[str]:
    """Read the complete lines of the progress file; errors as for `read_records`."""
    try:
        lines = read_text(folder.progress).split("\n")[:-1]
    except FileNotFoundError:
        return []
    if len(lines) > LARGEST_EPOCHS:
        raise UnreadableFileError(f"{folder.progress} has more than {LARGEST_EPOCHS:,} lines; {PROGRESS_REMEDY}")
    return lines


def parse_line(folder: RunFolder, line: str, *, number: int) -> EpochRecord:
    """Parse a line of the progress file, counted from 1."""
    source = f"line {number} of {folder.progress}"
    return parse_record(line, SavedEpoch, source=source, remedy=PROGRESS_REMEDY).to_record()


def last_record(folder: RunFolder) -> EpochRecord | None:
    """Read the record of a run's last epoch, once for each version of the file; None before the first epoch ends.

    Raises:
        UnreadableFileError: As `read_records`, of which it reads the last line only.
    """
    return last_record_of_version(folder, version_of(folder.progress))


@lru_cache(maxsize=MOST_KEPT)
def last_record_of_version(folder: RunFolder, version: Version | None) -> EpochRecord | None:
    """Return the result of `last_record` for this version of the progress file."""
    lines = read_lines(folder)
    return parse_line(folder, lines[-1], number=len(lines)) if lines else None


def is_trained(folder: RunFolder, config: RunConfig) -> bool:
    """Return whether training is complete: all epochs, or the single epoch of a method without losses."""
    last = last_record(folder)
    if last is None or not folder.weights.exists() or folder.state.exists():
        return False
    return last.epoch >= config.epochs or not last.losses
