"""Read and write the scores of a run: one row per image and scoring settings."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.files import SCORES_BYTES, UnreadableFileError, hash_file, open_file
from gnl_core.files.writing import write_atomically
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.messages import quote, shorten
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder

SCORE_COLUMNS = list(Scores.__dataclass_fields__)
SCORING_KEYS = ("domain", *ScoringConfig.model_fields)  # what a row of scores.parquet depends on, besides its image
MOST_ROWS = 5_000_000
REMEDY = "remove it, and score the run again"


Columns = dict[str, NDArray[Any]]  # columns of scores.parquet by name, all of equal length


class Kind(NamedTuple):
    """What a column holds.

    Attributes:
        includes: Whether a column of a type in a file can be read.
        type: The type that it is read as, so that rows of several writers fit into one table.
    """

    includes: Callable[[pa.DataType], bool]
    type: pa.DataType


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column holds numbers, or nothing but nulls, as other writers store a NaN."""
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column holds text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


NUMBER = Kind(is_number, pa.float64())
WHOLE = Kind(pa.types.is_integer, pa.int64())
TEXT = Kind(is_text, pa.string())
FLAG = Kind(pa.types.is_boolean, pa.bool_())
NO_LABELS = np.zeros(0, np.int64)
NO_COLUMNS: Mapping[str, Kind] = MappingProxyType({})
REQUIRED = {"score": NUMBER, "label": WHOLE, "domain": TEXT, "category": TEXT, "path": TEXT, "checkpoint": TEXT}
"""Columns that every version of the file has."""
SETTINGS = {
    name: {str: TEXT, int: WHOLE, bool: FLAG}.get(type(field.default), NUMBER)
    for name, field in ScoringConfig.model_fields.items()
}
"""Columns of scoring settings, of which older files lack some; an unset strength of matching is empty."""


def save_scores(folder: RunFolder, scores: Scores, scoring: ScoringConfig, *, checkpoint: str | None = None) -> None:
    """Save scores with their scoring settings and the hash of their checkpoint.

    Rows of the same checkpoint under other settings are kept; all others are replaced.

    Args:
        folder: The run.
        scores: The scores.
        scoring: How they were made.
        checkpoint: SHA-256 of the checkpoint that made them; unset: the current one.

    Raises:
        ValueError: If another checkpoint has taken its place.
    """
    save_scores_each(folder, [(scoring, scores)], checkpoint=checkpoint)


def save_scores_each(
    folder: RunFolder, scored: Sequence[tuple[ScoringConfig, Scores]], *, checkpoint: str | None = None
) -> None:
    """Save the scores of several scoring settings in one write, as `save_scores` does for one."""
    checkpoint = current_checkpoint(folder, checkpoint)
    parts = [
        score_columns(scores) | repeat({"checkpoint": checkpoint, **scoring.model_dump()}, count=len(scores.score))
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

    A setting that is newer than the file gets its default, which was in effect when the images were scored.

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
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    if present.all() and len(present):
        return rows  # copies of a million rows would take a third of the time
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def read_columns(
    path: Path, more: Mapping[str, Kind] = NO_COLUMNS, *, only: Collection[str] | None = None
) -> pa.Table | None:
    """Read the known columns of a scores file, each as its type; None if there is no file.

    Args:
        path: The file.
        more: Columns that the file has besides those of scores.parquet.
        only: Names of the columns to read; unset: all. Of the others, the types are checked, but not the cells.

    Raises:
        UnreadableFileError: If it is damaged, too large, or has other columns than `save_scores` writes.
    """
    required = {**REQUIRED, **more}
    try:
        with open_file(path, limit_bytes=SCORES_BYTES) as stream, pq.ParquetFile(stream) as file:
            schema = file.schema_arrow  # each access builds it anew
            check_table(path, schema, rows=file.metadata.num_rows, required=required)
            present = set(schema.names) if only is None else {*schema.names} & {*only}
            known = {name: kind for name, kind in {**required, **SETTINGS}.items() if name in present}
            names = list(known)
            table = file.read(columns=names, use_threads=len(names) > 1).select(names)  # pq.read_table imports pandas
        table.validate(full=True)  # as for text that is not UTF-8
        expected = pa.schema([(name, kind.type) for name, kind in known.items()])
        if table.schema != expected:
            table = table.cast(expected)  # imports pyarrow.compute
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(f"{path} is damaged ({quote(' '.join(str(error).split()))}); {REMEDY}") from None
    check_cells(path, table, required.keys() & known.keys())
    return table


def check_table(path: Path, schema: pa.Schema, *, rows: int, required: Mapping[str, Kind]) -> None:
    """Check the columns and the number of rows of a scores file before its rows are read: few bytes can hold many."""
    if rows > MOST_ROWS:
        raise UnreadableFileError(f"{path} has {rows:,} rows, more than {MOST_ROWS:,}; {REMEDY}")
    found: dict[str, list[pa.DataType]] = defaultdict(list)
    for field in schema:
        found[field.name].append(field.type)
    for name, kind in {**required, **SETTINGS}.items():
        types = found[name]
        if len(types) > 1:
            raise UnreadableFileError(f"{path} is damaged: it has {len(types)} columns {name!r}; {REMEDY}")
        if not types and name in required:
            raise UnreadableFileError(f"{path} is damaged: it has no column {name!r}; {REMEDY}")
        if types and not kind.includes(types[0]):
            raise UnreadableFileError(
                f"{path} is damaged: its column {name!r} holds {shorten(str(types[0]))}; {REMEDY}"
            )


def check_cells(path: Path, table: pa.Table, required: Collection[str]) -> None:
    """Check that no cell of some columns is empty, and that labels are 0, 1 or, for unlabelled images, -1."""
    empty = sorted(name for name in required if name != "score" and table[name].null_count)
    if empty:
        raise UnreadableFileError(f"{path} is damaged: its column {empty[0]!r} has empty cells; {REMEDY}")
    label = to_numpy(table["label"].combine_chunks()) if "label" in required else NO_LABELS
    if len(label) and (label.min() < -1 or label.max() > 1):
        raise UnreadableFileError(f"{path} is damaged: its column 'label' holds other numbers than 0 and 1; {REMEDY}")


def to_numpy(column: pa.Array) -> NDArray[Any]:
    """Convert a column without Arrow's own conversion, which imports pandas.

    Equal texts become one object: a million rows of the same few take 8 MB per column instead of 60.
    """
    has_numbers = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if has_numbers and not column.null_count:
        return np.from_dlpack(column)
    if is_text(column.type) and not column.null_count:
        encoded = column.dictionary_encode()
        texts = np.array(encoded.dictionary.to_pylist(), dtype=object)
        return texts[np.from_dlpack(encoded.indices)]
    return np.array(column.to_pylist(), dtype=object)


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


def select_rows(rows: Columns, wanted: Mapping[str, Any]) -> Scores | None:
    """Select the scores of the rows with given values in some columns; None if there are no such rows."""
    chosen = np.ones(len(rows["score"]), dtype=bool)
    for name, value in wanted.items():
        chosen &= rows[name] == value
        if not chosen.any():  # as for a strength that is not scored, which Explore looks for at each drawing
            return None
    return Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS})
