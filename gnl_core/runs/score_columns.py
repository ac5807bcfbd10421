"""The columns of a file of scores: their names and types, and how they are read and checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.files import SCORES_BYTES, UnreadableFileError, open_file
from gnl_core.messages import quote, shorten

MOST_ROWS = 5_000_000
REMEDY = "remove it, and score the run again"


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
UNKNOWN_ENGINE = ""
REQUIRED = {"score": NUMBER, "label": WHOLE, "domain": TEXT, "category": TEXT, "path": TEXT, "checkpoint": TEXT}
"""Columns that every version of the file has."""
SETTINGS = {
    name: {str: TEXT, int: WHOLE, bool: FLAG}.get(type(field.default), NUMBER)
    for name, field in ScoringConfig.model_fields.items()
}
"""Columns of scoring settings, of which older files lack some; an unset strength of matching is empty."""
FACTS = {"engine": TEXT}
"""Columns that say how a row was made, but not what it is of: other scores with the same key take its place."""
OPTIONAL = {**SETTINGS, **FACTS}


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
            known = {name: kind for name, kind in {**required, **OPTIONAL}.items() if name in present}
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
    for name, kind in {**required, **OPTIONAL}.items():
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
