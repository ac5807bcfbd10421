"""A run on disk: its settings, progress, checkpoint, origin, scores and report, a file each."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from gnl_core.config import RunConfig, ScoringConfig, describe_invalid
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.records import EpochRecord, Report, Scores
from gnl_core.runs.outputs import check_output
from gnl_core.strict_json import from_json, to_json

SCORE_COLUMNS = list(Scores.__dataclass_fields__)
Columns = dict[str, NDArray[Any]]  # of scores.parquet by name, all of one length
TEMPORARY_CHARACTERS = 32  # of a file's name that its temporary name begins with; names have at most 255 bytes


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
        """One row an image and question."""
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


def save_scores(folder: RunFolder, scores: Scores, scoring: ScoringConfig) -> None:
    """Keep scores with the question they answer and the checkpoint that gave them.

    Rows of the same checkpoint that answer other questions stay; the rest is replaced.
    """
    save_answers(folder, [(scoring, scores)])


def save_answers(folder: RunFolder, answers: Sequence[tuple[ScoringConfig, Scores]]) -> None:
    """Keep the scores of several questions, as `save_scores` does for one, in one writing."""
    checkpoint = hash_file(folder.weights)
    parts = [
        {name: getattr(scores, name) for name in SCORE_COLUMNS}
        | repeat({"checkpoint": checkpoint, **scoring.model_dump()}, count=len(scores.score))
        for scoring, scores in answers
    ]
    kept = read_saved_scores(folder)
    if kept is not None:
        asked = set().union(*(questions_of(part) for part in parts))
        stays = np.array([question not in asked for question in questions_of(kept)])
        parts.insert(0, {name: column[stays] for name, column in kept.items()})
    tables = [pa.table({name: part[name] for name in parts[-1]}) for part in parts]
    rows = pa.concat_tables(tables, promote_options="default")  # a column without a value has no type of its own
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    write_atomically(folder.scores, buffer.getvalue())


def repeat(values: dict[str, Any], *, count: int) -> Columns:
    """Columns that have the same value in each row."""
    return {name: np.full(count, value, dtype=object) for name, value in values.items()}


def questions_of(rows: Columns) -> list[tuple[Any, ...]]:
    """What each row is the answer to: its domain, and every setting of its scoring."""
    return list(zip(*(rows[name].tolist() for name in ("domain", *ScoringConfig.model_fields)), strict=True))


def read_saved_scores(folder: RunFolder) -> Columns | None:
    """Read the kept scores of the present checkpoint, one row an image and question; None if there are none.

    A setting that is newer than the file has its default there: that is how those questions were asked.
    """
    if not folder.scores.exists():
        return None
    with pq.ParquetFile(folder.scores) as file:  # pq.read_table imports pandas
        table = file.read()
    rows = {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}
    present = rows["checkpoint"] == hash_file(folder.weights)
    newer = {name: field.default for name, field in ScoringConfig.model_fields.items() if name not in rows}
    rows |= repeat(newer, count=len(present))
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def to_numpy(column: pa.Array) -> NDArray[Any]:
    """A column's values; not by Arrow's own conversion, which imports pandas."""
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and not column.null_count:
        return np.from_dlpack(column)
    return np.array(column.to_pylist(), dtype=object)


def count_diverged_scores(folder: RunFolder) -> tuple[int, int]:
    """How many of the present checkpoint's saved scores are not finite, and how many there are where any is not."""
    if not folder.scores.exists():
        return 0, 0
    with pq.ParquetFile(folder.scores) as file:
        column = to_numpy(file.read(columns=["score"])["score"].combine_chunks()).astype(np.float64)
    rows = None if all_finite(column) else read_saved_scores(folder)  # which hashes the checkpoint: rarely needed
    return (0, 0) if rows is None else (count_not_finite(rows["score"]), len(rows["score"]))


def find_scores(folder: RunFolder, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Look up kept scores of one domain under one question; None if they are not there."""
    rows = read_saved_scores(folder)
    return None if rows is None else select_scores(rows, domain=domain, scoring=scoring)


def select_scores(rows: Columns, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Of what `read_saved_scores` gave, the scores of one domain under one question; None if they are not there."""
    wanted = {"domain": domain, **scoring.model_dump()}
    chosen = np.all([rows[name] == value for name, value in wanted.items()], axis=0)
    return Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS}) if chosen.any() else None


def write_report(folder: RunFolder, report: Report, scoring: ScoringConfig) -> None:
    """Write the metrics of the last scoring, with the question they answer and the checkpoint that gave them."""
    origin = {"checkpoint": hash_file(folder.weights), **scoring.model_dump()}
    write_atomically(folder.report, to_json(origin | report_to_json(report), indent=2).encode())


def read_shift_scores(folder: RunFolder) -> dict[str, float | None]:
    """The shift scores of the domains that were last scored, if the present checkpoint was; else none.

    Returns:
        Domain name to shift score, without those that nobody measured; None where none can be measured.
    """
    if not folder.report.exists():
        return {}
    report = from_json(folder.report.read_bytes())
    if report["checkpoint"] != hash_file(folder.weights):
        return {}
    measured = {name: domain.get("shift_score") for name, domain in report["domains"].items()}
    cannot = report.get("no_shift_score") is not None
    return {name: score for name, score in measured.items() if score is not None or cannot}


def report_to_json(report: Report) -> dict[str, object]:
    """A report as plain values, by the names of its fields: {"domains": {name: {"auroc": …, …}}, "drops": …, …}."""
    return {
        "domains": {name: domain._asdict() for name, domain in report.domains.items()},
        "drops": report.drops,
        "threshold": report.threshold._asdict() if report.threshold else None,
        "no_shift_score": report.no_shift_score,
    }


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name, then rename: a reader sees the old file or the new one, whole."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name[:TEMPORARY_CHARACTERS]}.", delete=False
    ) as stream:
        temporary = Path(stream.name)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # temporary files are private, runs are not
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # the folder may be gone
        raise
