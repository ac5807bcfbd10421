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
from gnl_core.files import hash_file, write_atomically
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder

SCORE_COLUMNS = list(Scores.__dataclass_fields__)
SCORING_KEYS = ("domain", *ScoringConfig.model_fields)  # what a row of scores.parquet depends on, besides its image

Columns = dict[str, NDArray[Any]]  # columns of scores.parquet by name, all of equal length


def save_scores(folder: RunFolder, scores: Scores, scoring: ScoringConfig) -> None:
    """Save scores with their scoring settings and the hash of their checkpoint.

    Rows of the same checkpoint under other settings are kept; all others are replaced.
    """
    save_scores_each(folder, [(scoring, scores)])


def save_scores_each(folder: RunFolder, scored: Sequence[tuple[ScoringConfig, Scores]]) -> None:
    """Save the scores of several scoring settings in one write, as `save_scores` does for one."""
    checkpoint = hash_file(folder.weights)
    parts = [
        score_columns(scores) | repeat({"checkpoint": checkpoint, **scoring.model_dump()}, count=len(scores.score))
        for scoring, scores in scored
    ]
    replace_rows(folder.scores, parts, kept=read_saved_scores(folder), keys=SCORING_KEYS)


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


def read_saved_scores(folder: RunFolder) -> Columns | None:
    """Read the saved scores of the current checkpoint, one row per image and scoring settings; None if there are none.

    A setting that is newer than the file gets its default, which was in effect when the images were scored.
    """
    return read_rows(folder.scores, weights=folder.weights)


def read_rows(file: Path, *, weights: Path) -> Columns | None:
    """Read the rows of a file of scores that belong to a checkpoint; None if there are none."""
    if not file.exists():
        return None
    with pq.ParquetFile(file) as opened:  # pq.read_table imports pandas
        table = opened.read()
    rows = {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}
    present = rows["checkpoint"] == hash_file(weights)
    newer = {name: field.default for name, field in ScoringConfig.model_fields.items() if name not in rows}
    rows |= repeat(newer, count=len(present))
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def to_numpy(column: pa.Array) -> NDArray[Any]:
    """Convert a column without Arrow's own conversion, which imports pandas."""
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and not column.null_count:
        return np.from_dlpack(column)
    return np.array(column.to_pylist(), dtype=object)


def count_diverged_scores(folder: RunFolder) -> tuple[int, int]:
    """Count the current checkpoint's saved scores that are not finite, and all its scores; (0, 0) if all are finite."""
    if not folder.scores.exists():
        return 0, 0
    with pq.ParquetFile(folder.scores) as file:
        column = to_numpy(file.read(columns=["score"])["score"].combine_chunks()).astype(np.float64)
    rows = None if all_finite(column) else read_saved_scores(folder)  # hashes the checkpoint, so only if needed
    return (0, 0) if rows is None else (count_not_finite(rows["score"]), len(rows["score"]))


def find_scores(folder: RunFolder, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Look up the saved scores of one domain under given scoring settings; None if there are none."""
    rows = read_saved_scores(folder)
    return None if rows is None else select_scores(rows, domain=domain, scoring=scoring)


def select_scores(rows: Columns, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Select one domain under given scoring settings from `read_saved_scores`; None if there are no such rows."""
    return select_rows(rows, {"domain": domain, **scoring.model_dump()})


def select_rows(rows: Columns, wanted: Mapping[str, Any]) -> Scores | None:
    """Select the scores of the rows with given values in some columns; None if there are no such rows."""
    chosen = np.all([rows[name] == value for name, value in wanted.items()], axis=0)
    return Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS}) if chosen.any() else None
