"""Read and write the scores of a run: one row per image and scoring settings."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.config.values import EngineName
from gnl_core.files import hash_file
from gnl_core.files.writing import write_atomically
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.score_columns import NO_COLUMNS, UNKNOWN_ENGINE, Kind, read_columns, to_numpy

SCORE_COLUMNS = list(Scores.__dataclass_fields__)
SCORING_KEYS = ("domain", *ScoringConfig.model_fields)  # what a row of scores.parquet depends on, besides its image
Columns = dict[str, NDArray[Any]]  # columns of scores.parquet by name, all of equal length


def save_scores(
    folder: RunFolder,
    scores: Scores,
    scoring: ScoringConfig,
    *,
    checkpoint: str | None = None,
    engine: EngineName = "torch",
) -> None:
    """Save scores with their scoring settings, the hash of their checkpoint, and their engine.

    Rows of the same checkpoint under other settings are kept; all others are replaced, those of another engine too.

    Args:
        folder: The run.
        scores: The scores.
        scoring: How they were made.
        checkpoint: SHA-256 of the checkpoint that made them; unset: the current one.
        engine: What computed the teacher.

    Raises:
        ValueError: If another checkpoint has taken its place.
    """
    save_scores_each(folder, [(scoring, scores)], checkpoint=checkpoint, engine=engine)


def save_scores_each(
    folder: RunFolder,
    scored: Sequence[tuple[ScoringConfig, Scores]],
    *,
    checkpoint: str | None = None,
    engine: EngineName = "torch",
) -> None:
    """Save the scores of several scoring settings in one write, as `save_scores` does for one."""
    origin = {"checkpoint": current_checkpoint(folder, checkpoint), "engine": engine}
    parts = [
        score_columns(scores) | repeat({**origin, **scoring.model_dump()}, count=len(scores.score))
        for scoring, scores in scored
    ]
    replace_rows(folder.scores, parts, kept=read_saved_scores(folder), keys=SCORING_KEYS)


def current_checkpoint(folder: RunFolder, expected: str | None) -> str:
    """Return the hash of a run's checkpoint.

    Raises:
        ValueError: If it is not the expected one.
    """
    actual = hash_file(folder.weights)
    if expected not in (None, actual):
        raise ValueError(f"{folder.weights} was replaced while it was in use; nothing was saved, so score it again")
    return actual


def score_columns(scores: Scores) -> Columns:
    """Return scores as columns by name."""
    return {name: getattr(scores, name) for name in SCORE_COLUMNS}


def replace_rows(file: Path, parts: Sequence[Columns], *, kept: Columns | None, keys: Sequence[str]) -> None:
    """Write parts of a table after the rows that are kept, without those that equal a written one in all key columns.

    Args:
        file: The file to replace.
        parts: The new rows, each part with the same columns.
        kept: The earlier rows; None if there are none.
        keys: Names of the key columns.
    """
    if kept is not None:
        replaced = set().union(*(row_keys(part, keys) for part in parts))
        stays = np.array([key not in replaced for key in row_keys(kept, keys)])
        parts = [{name: column[stays] for name, column in kept.items()}, *parts]
    tables = [pa.table({name: part[name] for name in parts[-1]}) for part in parts]
    rows = pa.concat_tables(tables, promote_options="default")  # a column of nulls has no type of its own
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    write_atomically(file, buffer.getvalue())


def repeat(values: dict[str, Any], *, count: int) -> Columns:
    """Return columns with the same value in each row."""
    return {name: np.full(count, value, dtype=object) for name, value in values.items()}


def row_keys(rows: Columns, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the values of some columns for each row."""
    return list(zip(*(rows[name].tolist() for name in names), strict=True))


def read_saved_scores(folder: RunFolder, checkpoint: str | None = None) -> Columns | None:
    """Read the saved scores of a checkpoint, one row per image and scoring settings; None if there are none.

    A setting that is newer than the file gets its default, which was in effect when the images were scored. The engine
    of scores that do not say it is "".

    Args:
        folder: The run.
        checkpoint: SHA-256 of the checkpoint; unset: the current one.

    Raises:
        UnreadableFileError: If the file is damaged, or lacks a column.
    """
    return read_rows(folder.scores, weights=folder.weights, checkpoint=checkpoint)


def read_rows(
    file: Path, *, weights: Path, more: Mapping[str, Kind] = NO_COLUMNS, checkpoint: str | None = None
) -> Columns | None:
    """Read the rows of a file of scores that belong to a checkpoint; None if there are none. Errors as above.

    Args:
        file: The file.
        weights: The checkpoint.
        more: Columns that the file has besides those of scores.parquet.
        checkpoint: The checkpoint's hash, if it is known.
    """
    table = read_columns(file, more)
    if table is None:
        return None
    rows = {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}
    present = rows["checkpoint"] == (checkpoint or hash_file(weights))
    newer = {name: field.default for name, field in ScoringConfig.model_fields.items() if name not in rows}
    rows |= repeat(newer, count=len(present))
    rows["engine"] = known_engines(rows.get("engine"), count=len(present))
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    if present.all() and len(present):
        return rows  # copies of a million rows would take a third of the time
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def known_engines(column: NDArray[Any] | None, *, count: int) -> NDArray[Any]:
    """Return the engine of each row, "" where a file of an earlier version does not say it."""
    if column is None:
        return np.full(count, UNKNOWN_ENGINE, dtype=object)
    return np.where(np.equal(column, None), UNKNOWN_ENGINE, column)  # type: ignore[call-overload]


def count_diverged_scores(folder: RunFolder) -> tuple[int, int]:
    """Count the current checkpoint's saved scores that are not finite, and all its scores; (0, 0) if all are finite."""
    table = read_columns(folder.scores, only=["score"])  # a fifth of the time of all columns
    if table is None:
        return 0, 0
    column = to_numpy(table["score"].combine_chunks()).astype(np.float64)
    rows = None if all_finite(column) else read_saved_scores(folder)  # hashes the checkpoint, so only if needed
    return (0, 0) if rows is None else (count_not_finite(rows["score"]), len(rows["score"]))


def find_scores(folder: RunFolder, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Look up the saved scores of one domain under given scoring settings; None if there are none."""
    rows = read_saved_scores(folder)
    return None if rows is None else select_scores(rows, domain=domain, scoring=scoring)


def select_scores(rows: Columns, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Select one domain under given scoring settings from `read_saved_scores`; None if there are no such rows."""
    return select_rows(rows, {"domain": domain, **scoring.model_dump()})


def select_engines(rows: Columns, *, domain: str, scoring: ScoringConfig) -> set[str]:
    """Return the engines that computed one domain's saved scores, as far as the file says; see `select_scores`."""
    chosen = find_rows(rows, {"domain": domain, **scoring.model_dump()})
    return set() if chosen is None else {*rows["engine"][chosen].tolist()} - {UNKNOWN_ENGINE}


def select_rows(rows: Columns, wanted: Mapping[str, Any]) -> Scores | None:
    """Select the scores of the rows with given values in some columns; None if there are no such rows."""
    chosen = find_rows(rows, wanted)
    return None if chosen is None else Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS})


def find_rows(rows: Columns, wanted: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """Mark the rows with given values in some columns; None if there are no such rows."""
    chosen = np.ones(len(rows["score"]), dtype=bool)
    for name, value in wanted.items():
        chosen &= rows[name] == value
        if not chosen.any():  # as for a strength that is not scored, which Explore looks for at each drawing
            return None
    return chosen
