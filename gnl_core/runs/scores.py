"""Read and write the scores of a run: one row per image and scoring settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.files import SCORES_BYTES, UnreadableFileError, hash_file, open_file, write_atomically
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.messages import shorten
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder

SCORE_COLUMNS = list(Scores.__dataclass_fields__)
SCORING_KEYS = ("domain", *ScoringConfig.model_fields)  # what a row of scores.parquet depends on, besides its image
MOST_ROWS = 5_000_000
REMEDY = "remove it, and score the run again"


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

    Raises:
        UnreadableFileError: If the file is damaged, or lacks a column.
    """
    return read_rows(folder.scores, weights=folder.weights)


def read_rows(file: Path, *, weights: Path) -> Columns | None:
    """Read the rows of a file of scores that belong to a checkpoint; None if there are none. Errors as above."""
    table = read_columns(file)
    if table is None:
        return None
    rows = {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}
    present = rows["checkpoint"] == hash_file(weights)
    newer = {name: field.default for name, field in ScoringConfig.model_fields.items() if name not in rows}
    rows |= repeat(newer, count=len(present))
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def read_columns(path: Path) -> pa.Table | None:
    """Read the table of a scores file, and check its columns; None if there is no file.

    Raises:
        UnreadableFileError: If it is damaged, too large, or has other columns than `save_scores` writes.
    """
    try:
        with open_file(path, limit_bytes=SCORES_BYTES) as stream, pq.ParquetFile(stream) as file:
            check_table(path, file.schema_arrow, rows=file.metadata.num_rows)
            table = file.read()  # pq.read_table imports pandas
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(f"{path} is damaged ({shorten(' '.join(str(error).split()))}); {REMEDY}") from None
    empty = [name for name in REQUIRED if name != "score" and table[name].null_count]
    if empty:
        raise UnreadableFileError(f"{path} is damaged: its column {empty[0]!r} has empty cells; {REMEDY}")
    return table


def check_table(path: Path, schema: pa.Schema, *, rows: int) -> None:
    """Check the columns and the number of rows of a scores file before its rows are read: few bytes can hold many."""
    if rows > MOST_ROWS:
        raise UnreadableFileError(f"{path} has {rows:,} rows, more than {MOST_ROWS:,}; {REMEDY}")
    types = {field.name: field.type for field in schema}
    for name, is_expected in REQUIRED.items():
        if name not in types:
            raise UnreadableFileError(f"{path} is damaged: it has no column {name!r}; {REMEDY}")
        if not is_expected(types[name]):
            raise UnreadableFileError(f"{path} is damaged: its column {name!r} holds {types[name]}; {REMEDY}")
    nested = [name for name in ScoringConfig.model_fields if name in types and not is_plain(types[name])]
    if nested:
        raise UnreadableFileError(f"{path} is damaged: its column {nested[0]!r} holds {types[nested[0]]}; {REMEDY}")


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column holds numbers, or nothing but nulls, as other writers store a NaN."""
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column holds text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_plain(kind: pa.DataType) -> bool:
    """Return whether a column holds values of a setting."""
    return is_number(kind) or is_text(kind) or pa.types.is_boolean(kind)


REQUIRED: dict[str, Callable[[pa.DataType], bool]] = {
    "score": is_number,
    "label": pa.types.is_integer,
    "domain": is_text,
    "category": is_text,
    "path": is_text,
    "checkpoint": is_text,
}
"""Columns that every version of the file has, and what they hold."""


def to_numpy(column: pa.Array) -> NDArray[Any]:
    """Convert a column without Arrow's own conversion, which imports pandas."""
    has_numbers = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if has_numbers and not column.null_count:
        return np.from_dlpack(column)
    return np.array(column.to_pylist(), dtype=object)


def count_diverged_scores(folder: RunFolder) -> tuple[int, int]:
    """Count the current checkpoint's saved scores that are not finite, and all its scores; (0, 0) if all are finite."""
    table = read_columns(folder.scores)
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


def select_rows(rows: Columns, wanted: Mapping[str, Any]) -> Scores | None:
    """Select the scores of the rows with given values in some columns; None if there are no such rows."""
    chosen = np.all([rows[name] == value for name, value in wanted.items()], axis=0)
    return Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS}) if chosen.any() else None
