"""Format a comparison as one self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gnl_core.comparison.records import ID_COST, Comparison, ComparisonRow, Entry
from gnl_core.comparison.text import (
    MISSING,
    best_rows,
    describe,
    interval_text,
    name_columns,
    percent,
    row_names,
    seconds_text,
)
from gnl_core.comparison.tray_text import describe_bold, has_uses
from gnl_core.templates import render


class Cell(NamedTuple):
    """The texts of a number; empty ones are left out.

    Attributes:
        value: The number.
        best: Whether it is the best of its column.
        spread: Its standard deviation over seeds.
        below: Its interval, or for the worst shift its domain.
        difference: Its difference from the reference.
        meaning: "gain" or "loss" where chance does not explain the difference.
    """

    value: str
    best: bool = False
    spread: str = ""
    below: str = ""
    difference: str = ""
    meaning: str = ""


class Row(NamedTuple):
    """The texts of a row; published numbers have neither runs nor training.

    Attributes:
        names: The method, followed by what else names the row.
        cells: Its numbers.
        runs: Number of runs.
        training: Mean training time.
        published: Whether the numbers are published ones.
    """

    names: tuple[str, ...]
    cells: list[Cell]
    runs: str
    training: str
    published: bool


def comparison_page(comparison: Comparison, figures: Mapping[str, bytes]) -> str:
    """Return a page of the means, each class and the figures, in the system's light or dark colours.

    Args:
        comparison: The comparison to show.
        figures: Caption to SVG.
    """
    seeds = len(comparison.seeds)
    by_class = comparison.by_class if len(comparison.classes) > 1 else {}
    return render(
        "comparison/page.html",
        title=f"Comparison on {comparison.config.dataset}",
        has_differences=ID_COST in comparison.columns,
        rows_by_class={name: table_rows(rows, comparison.columns, runs=seeds) for name, rows in by_class.items()},
        figures={caption: base64.b64encode(svg).decode() for caption, svg in figures.items()},
        **summary_values(comparison),
    )


def comparison_summary(comparison: Comparison) -> str:
    """The description and the means, without a page around them."""
    return render("comparison/summary.html", **summary_values(comparison))


def summary_values(comparison: Comparison) -> dict[str, Any]:
    """What page and summary share."""
    runs = len(comparison.seeds) * len(comparison.classes)
    return {
        "description": [*describe(comparison), *describe_bold(comparison.rows)],
        "header": (*name_columns(comparison.rows), *comparison.columns, "runs", "training"),
        "rows": table_rows(comparison.rows, comparison.columns, runs=runs),
    }


def table_rows(rows: Sequence[ComparisonRow], columns: Sequence[str], *, runs: int) -> list[Row]:
    """The texts of a table.

    Args:
        rows: Its rows.
        columns: Its columns of numbers.
        runs: Number of runs of a complete row.
    """
    best = {column: best_rows(rows, column, runs=runs) for column in columns}
    return [
        Row(
            names=row_names(row, with_use=has_uses(rows)),
            cells=[make_cell(row.entries.get(name), name, best=position in best[name]) for name in columns],
            runs="" if row.published else str(row.runs),
            training="" if row.published else seconds_text(row),
            published=row.published,
        )
        for position, row in enumerate(rows)
    ]


def make_cell(entry: Entry | None, column: str, *, best: bool) -> Cell:
    """The texts of a number; those of the worst shift are few, as the rest is in its domain's own column."""
    if entry is None:
        return Cell(MISSING)
    value = percent(entry.value, signed=column == ID_COST)
    spread = "" if entry.spread is None else percent(entry.spread)
    if entry.domain:
        return Cell(value, best, spread, below=entry.domain)
    if not entry.difference:
        return Cell(value, best, spread, below=interval_text(entry, column))
    direction = "gain" if entry.difference > 0 else "loss"
    return Cell(
        value,
        best,
        spread,
        below=interval_text(entry, column),
        difference=percent(entry.difference, signed=True),
        meaning=direction if entry.clear else "",
    )
