"""Hostile changes to a Parquet file: columns that are missing, doubled, of another type, empty or far too long."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.torture.inputs.mutations import Mutation, writing

CELLS: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        2,
        1.5,
        float("nan"),
        float("inf"),
        2**62,
        "1",
        "",
        "a" * 20_000,
        "\0",
        "![a](http://127.0.0.1/)",
    ),
    *(b"\xff", [1], [[1]], [], {"a": 1}, datetime.date(2020, 1, 1), datetime.timedelta(1)),
)


def table_mutations(content: bytes) -> list[Mutation]:
    """Changes of each column of a table."""
    table = pq.read_table(io.BytesIO(content))
    return [writing(name, to_bytes, changed) for name, changed in changed_tables(table)]


def changed_tables(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    for place, name in enumerate(table.column_names):
        yield f"column {name} missing", table.drop_columns([name])
        yield f"column {name} misspelt", table.rename_columns(renamed(table, name, name.upper()))
        yield f"column {name} doubled", table.append_column(name, table.column(place))
        yield f"column {name} of codes", table.set_column(place, name, table.column(place).dictionary_encode())
        for value in CELLS:
            column = pa.array([value] * len(table))
            yield f"column {name} of {str(value)[:20]!r}", table.set_column(place, name, column)
            mixed = [*table.column(place).to_pylist()[:-1], value]
            try:
                column = pa.array(mixed)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                continue  # no column holds both
            yield f"column {name} ends in {str(value)[:20]!r}", table.set_column(place, name, column)
    yield "no rows", table.slice(0, 0)
    yield "no columns", pa.table({})
    yield "another table", pa.table({"a": [1]})
    yield "rows twice", pa.concat_tables([table, table])
    yield "ten million rows", pa.table({name: pa.nulls(10_000_000) for name in table.column_names})
    wide = {f"c{number}": [0] * len(table) for number in range(2_000)}
    yield "two thousand columns", pa.table({**{n: table[n] for n in table.column_names}, **wide})
    nested: Any = 1
    for _ in range(60):
        nested = [nested]
    yield "a nested column", table.append_column("nested", pa.array([nested] * len(table)))


def renamed(table: pa.Table, name: str, other: str) -> list[str]:
    return [other if one == name else one for one in table.column_names]


def to_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
