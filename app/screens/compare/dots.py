"""The dot chart of Compare: in-distribution beside shifted, one row per method, one dot per strength."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.display.downloads import chart_config
from app.methods import method_title
from app.screens.compare.choices import Compared, column_name, title_of
from app.words import points
from gnl_core.comparison.records import REFERENCE, ComparisonRow, Method
from gnl_core.plots.dots import Dot, DotRow, dot_rows


def show_dots(compared: Compared) -> None:
    """Draw the chart; nothing if there are no rows."""
    columns = [column for column in (compared.base, compared.shift) if column]
    rows = dots_of(compared, columns)
    if not rows:
        return
    reference = next((row for row in compared.every_row if row.method == REFERENCE), None)
    figure = dot_rows(
        rows,
        [escape(title_of(column, compared)).replace(" (", "<br>(") for column in columns],
        references=[value_of(reference, column) for column in columns],
    )
    st.plotly_chart(
        figure, key="dots", config=chart_config(f"compare {compared.listed.name}"), alt=describe_dots(rows, columns)
    )


def dots_of(compared: Compared, columns: list[str]) -> list[DotRow]:
    """Build a row of dots for each method and way of adapting it with numbers, the best in the last column first."""
    methods = dict.fromkeys(row.method._replace(style_weight=None) for row in compared.rows if row.entries)
    dots = [dot_row(method, compared, columns) for method in methods]
    return sorted(dots, key=lambda row: -max((dot.value for dot in row.measured[-1]), default=0.0))


def dot_row(method: Method, compared: Compared, columns: list[str]) -> DotRow:
    """Build the row of one method at all of its strengths."""
    own = sorted(
        (row for row in compared.rows if row.method._replace(style_weight=None) == method),
        key=lambda row: row.method.style_weight or 0.0,
    )
    published = compared.published.get(method.detector) if method.use is None else None
    return DotRow(
        method_title(*method),
        tuple(tuple(make_dot(row, column) for row in own if column in row.entries) for column in columns),
        tuple(value_of(published, column) for column in columns),
    )


def make_dot(row: ComparisonRow, column: str) -> Dot:
    """Build the dot of one number."""
    entry = row.entries[column]
    limits = None if entry.interval is None else (100 * entry.interval[0], 100 * entry.interval[1])
    return Dot(100 * entry.value, limits, row.method.style_weight or 0.0)


def value_of(row: ComparisonRow | None, column: str) -> float | None:
    """Return a row's number in percent, if it has one."""
    return None if row is None or column not in row.entries else 100 * row.entries[column].value


def describe_dots(rows: list[DotRow], columns: list[str]) -> str:
    """Describe the chart as alternative text: each method's numbers from no matching to the strongest."""
    methods = [
        f"{row.name}, "
        + "; ".join(
            f"{column_name(column)}: {', '.join(points(dot.value / 100) for dot in dots)}"
            for column, dots in zip(columns, row.measured, strict=True)
        )
        for row in rows
    ]
    return f"AUROC in percent by method, from the weakest to the strongest matching. {'. '.join(methods)}."
