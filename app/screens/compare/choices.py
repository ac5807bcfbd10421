"""The row of choices at the top of Compare, which the address bar keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from app.comparisons import ListedComparison
from app.controls.unavailable import check_asked
from app.methods import in_order
from app.words import ALL, COLUMN_NAMES, SHIFTED_HELP, capitalised, counted
from gnl_core.comparison.records import ID_COST, MEAN_SHIFT, Comparison, ComparisonRow
from gnl_core.comparison.tray_text import use_text
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of
from gnl_core.runs.trays import TrayUse

ADAPTATION_HELP = (
    "Whether a method was adapted, without training, to a few images of each domain. These images are left out of its "
    "numbers, and of those of the method as it is that they are compared with."
)
METHOD_ORDER = "method"  # sort value for the display order of the methods
COMPARISON, CLASS = "comparison", "of_class"  # query parameters
SHIFT, SORT = "of_shift", "sort"  # query parameters that a click in the table also sets


class Compared(NamedTuple):
    """The comparison and the choices of what to show of it.

    Attributes:
        listed: The comparison.
        normal_class: The class that is normal; None: the mean over all.
        shift: The column chosen as the shift; None if nothing is shifted.
        rows: The measured rows of the chosen methods and strengths.
        published: The published rows by method; empty if they are hidden.
        columns: The columns of the table.
        sort: The column to sort by, or METHOD_ORDER.
    """

    listed: ListedComparison
    normal_class: str | None
    shift: str | None
    rows: list[ComparisonRow]
    published: dict[str, ComparisonRow]
    columns: tuple[str, ...]
    sort: str

    @property
    def comparison(self) -> Comparison:
        """All its numbers."""
        return self.listed.comparison

    @property
    def base(self) -> str | None:
        """The in-distribution column; None if it was not scored."""
        name = self.comparison.in_distribution
        return name if name in self.comparison.columns else None

    @property
    def every_row(self) -> list[ComparisonRow]:
        """All rows of the chosen class, regardless of the other choices."""
        return rows_of(self.comparison, self.normal_class)

    @property
    def full_runs(self) -> int:
        """The number of runs behind a number with no runs missing."""
        classes = 1 if self.normal_class else len(self.comparison.classes)
        return classes * len(self.comparison.seeds)


def choose_compared(everything: Sequence[ListedComparison]) -> Compared:
    """Draw the choices.

    Args:
        everything: All comparisons, at least one.
    """
    by_name = {listed.name: listed for listed in everything}
    first, second, third, fourth, fifth = st.columns((3, 2, 3, 3, 2), vertical_alignment="bottom")
    listed = by_name[first.selectbox("Comparison", list(by_name), key=COMPARISON, bind="query-params")]
    check_asked(COMPARISON, "Comparison", listed.name, by_name)
    with second:
        normal_class = choose_class(listed.comparison)
    with third:
        shift = choose_shift(listed.comparison)
    rows = rows_of(listed.comparison, normal_class)
    measured = [row for row in rows if not row.published]
    with fourth:
        detectors = choose_methods(measured)
    with fifth.popover("Table", width="stretch"):
        strengths = choose_strengths(measured)
        uses = choose_uses(measured)
        columns = choose_columns(listed.comparison)
        sort = choose_sort(columns)
        with_published = st.toggle("Published numbers", value=True, key="published", bind="query-params")
    return Compared(
        listed,
        normal_class,
        shift,
        rows=[
            row
            for row in measured
            if row.method.detector in detectors and has_chosen_strength(row, strengths) and row.method.use in uses
        ],
        published={row.method.detector: row for row in rows if row.published and with_published},
        columns=columns,
        sort=sort,
    )


def rows_of(comparison: Comparison, normal_class: str | None) -> list[ComparisonRow]:
    """Return the rows of a class, or of the mean over all classes."""
    return comparison.rows if normal_class is None else comparison.by_class[normal_class]


def has_chosen_strength(row: ComparisonRow, strengths: Sequence[float]) -> bool:
    """Return whether a row is at one of the strengths; true for a method that cannot match."""
    return row.method.style_weight is None or row.method.style_weight in strengths


def choose_class(comparison: Comparison) -> str | None:
    """Choose a class, or the mean over all if there are several."""
    mean = f"mean of {counted(len(comparison.classes), 'class')}"
    offered = [*([mean] if len(comparison.classes) > 1 else []), *comparison.classes]
    chosen = st.selectbox(
        "Normal",
        offered,
        key=CLASS,
        bind="query-params",
        help="The class that is normal; the others, or its defects, are the anomalies.",
    )
    check_asked(CLASS, "Normal", chosen, offered)
    return None if chosen == mean else chosen


def shifts_of(comparison: Comparison) -> list[str]:
    """List the columns that can be chosen as the shift: the mean over shifts, if any, and each shifted domain."""
    shifted = [domain for domain in comparison.domains if domain != comparison.in_distribution]
    return [*([MEAN_SHIFT] if MEAN_SHIFT in comparison.columns else []), *shifted]


def choose_shift(comparison: Comparison) -> str | None:
    """Choose the shift of the summary, the dots and the ablation; a click on a column of the table also sets it."""
    offered = shifts_of(comparison)
    chosen = st.selectbox("Shift", offered, format_func=column_name, key=SHIFT, bind="query-params", help=SHIFTED_HELP)
    if offered:
        check_asked(SHIFT, "Shift", chosen, offered, format_func=column_name)
    return chosen


def choose_methods(measured: Sequence[ComparisonRow]) -> tuple[str, ...]:
    """Choose any number of methods; all if none is chosen."""
    there = list(dict.fromkeys(row.method.detector for row in measured))
    chosen = st.multiselect(
        "Methods",
        [*in_order(there), *(name for name in there if name not in DETECTOR_NAMES)],
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="of_methods",
        bind="query-params",
        placeholder=f"all {len(there)}",
    )
    return tuple(chosen or there)


def choose_strengths(measured: Sequence[ComparisonRow]) -> list[float]:
    """Choose any number of strengths of matching; all if none is chosen."""
    there = sorted({row.method.style_weight for row in measured if row.method.style_weight is not None})
    chosen = st.multiselect(
        "FDM strengths α",
        there,
        format_func="{:g}".format,
        key="of_strengths",
        bind="query-params",
        placeholder=ALL,
    )
    return chosen or there


def choose_uses(measured: Sequence[ComparisonRow]) -> list[TrayUse | None]:
    """Choose any number of ways of adapting to a new domain, if the comparison has any; all if none is chosen."""
    by_name = {use_text(row.method.use): row.method.use for row in measured}
    if len(by_name) == 1:
        return list(by_name.values())
    chosen = st.multiselect(
        "New domain", list(by_name), key="of_adaptation", bind="query-params", placeholder=ALL, help=ADAPTATION_HELP
    )
    return [by_name[name] for name in chosen or by_name]


def choose_columns(comparison: Comparison) -> tuple[str, ...]:
    """Choose any number of columns, kept in their order; all if none is chosen."""
    chosen = st.multiselect(
        "Columns", comparison.columns, format_func=column_name, key="of_columns", bind="query-params", placeholder=ALL
    )
    return tuple(column for column in comparison.columns if column in chosen) or comparison.columns


def choose_sort(columns: Sequence[str]) -> str:
    """Choose what the rows are sorted by."""
    return st.selectbox("Sort by", [METHOD_ORDER, *columns], format_func=column_name, key=SORT, bind="query-params")


def column_name(column: str) -> str:
    """Return the display name of a column."""
    return COLUMN_NAMES.get(column) or capitalised(domain_name(column))


def title_of(column: str, compared: Compared) -> str:
    """Return a column's name with its side of the shift."""
    if column == MEAN_SHIFT:
        return mean_title(compared.comparison)
    return f"{column_name(column)} ({'in-distribution' if column == compared.base else 'shifted'})"


def mean_title(comparison: Comparison) -> str:
    """Return the title of the mean over shifts."""
    return f"Mean of {len(shifts_of(comparison)) - 1} shifts"


def row_order(compared: Compared) -> list[ComparisonRow]:
    """Sort the measured rows in display order, or the best first and rows without the number last."""
    order = list(DETECTOR_NAMES)
    rows = sorted(
        compared.rows, key=lambda row: order.index(row.method.detector) if row.method.detector in order else len(order)
    )
    if compared.sort == METHOD_ORDER:
        return rows
    return sorted(rows, key=lambda row: sort_key(row, compared.sort))


def sort_key(row: ComparisonRow, column: str) -> tuple[bool, float]:
    """Return a key that sorts the best number of a column first."""
    entry = row.entries.get(column)
    value = 0.0 if entry is None else entry.value
    return entry is None, value if column == ID_COST else -value
