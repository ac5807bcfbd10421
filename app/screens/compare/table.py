"""The table of Compare: measured numbers large, published ones small and grey below; click a column to sort by it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from app.display.components import component
from app.methods import OWN_STRENGTHS, YARDSTICKS
from app.screens.compare.choices import METHOD_ORDER, SHIFT, SORT, Compared, column_name, row_order, shifts_of
from app.words import counted, plain, points, with_minus
from gnl_core.comparison.records import ID_COST, MEAN_SHIFT, WORST_SHIFT, ComparisonRow, Entry
from gnl_core.comparison.text import MISSING, best_rows, interval_text, value_text
from gnl_core.comparison.tray_text import describe_trays, has_uses, use_text
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of

TABLE = "table"
LEGEND = (
    "Large: measured{spread}. Small: the 95 % interval over test images, and the difference from RD4AD without "
    "matching: in bold and green or orange where it lies beyond its own interval, grey where chance could explain it. "
    "Bold: the best of a column{images}. {published}Click a column to sort by it; clicking a shift also selects it."
)
SAME_IMAGES = " among rows over the same images"
SPREAD = ", ± its standard deviation over seeds"
PUBLISHED = "Published: the supplement's numbers, obtained with another backbone and other training. "


def show_table(compared: Compared) -> None:
    """Draw the table, and explain how to read it."""
    in_browser()(
        key=TABLE,
        data={"table": table_html(compared), "name": f"Methods compared: {compared.listed.name}"},
        on_column_change=lambda: choose_column(compared),
    )
    several = len(compared.comparison.seeds) > 1
    st.caption(
        LEGEND.format(
            spread=SPREAD if several else "",
            images=SAME_IMAGES if has_uses(compared.rows) else "",
            published=PUBLISHED if compared.published else "",
        )
    )
    for line in describe_trays(compared.comparison):
        st.caption(plain(line))


def in_browser() -> Any:
    """Return the table component, which reports the clicked column to the server."""
    return component(
        "table", html='<div class="wide" role="region" tabindex="0"></div>', css=("table.css",), js=("table.js",)
    )


def choose_column(compared: Compared) -> None:
    """Sort by the clicked column; if it is a shift, also select it for the page."""
    column = st.session_state[TABLE]["column"]
    if column in (METHOD_ORDER, *compared.columns):
        st.session_state[SORT] = column
    if column in shifts_of(compared.comparison):
        st.session_state[SHIFT] = column


def table_html(compared: Compared) -> str:
    """Build the table; published numbers are below the method's row at its own strength."""
    rows = row_order(compared)
    best = {column: best_rows(rows, column, runs=compared.full_runs) for column in compared.columns}
    lines = []
    for position, row in enumerate(rows):
        bold = {column for column in compared.columns if position in best[column]}
        lines.append(measured_line(row, compared, bold=bold))
        published = compared.published.get(row.method.detector)
        if published is not None and row is row_above_published(row.method.detector, rows):
            lines.append(published_line(published, compared.columns))
    head = "".join(head_cell(column, compared) for column in (METHOD_ORDER, *compared.columns))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def row_above_published(detector: str, rows: Sequence[ComparisonRow]) -> ComparisonRow:
    """Return the row above a method's published numbers: the one at its own strength, else the first."""
    own = [row for row in rows if row.method.detector == detector]
    own = [row for row in own if row.method.use is None] or own
    return next((row for row in own if (row.method.style_weight or 0.0) == OWN_STRENGTHS.get(detector, 0.0)), own[0])


def head_cell(column: str, compared: Compared) -> str:
    """Build a column's heading, a button that sorts by it."""
    direction = "ascending" if column in (ID_COST, METHOD_ORDER) else "descending"
    order = f' aria-sort="{direction}"' if column == compared.sort else ""
    below = f'<small class="below">{escape(kind_of(column, compared))}</small>'
    return (
        f'<th scope="col"{order}><button type="button" data-column="{escape(column)}">'
        f"{escape(column_name(column))}{below}</button></th>"
    )


def kind_of(column: str, compared: Compared) -> str:
    """Describe a column, in small print."""
    comparison = compared.comparison
    if column in (MEAN_SHIFT, WORST_SHIFT):
        return f"of {counted(len(shifts_of(comparison)) - 1, 'shift')}"
    if column == ID_COST:
        return "lower is better"
    if column == METHOD_ORDER:
        return "AUROC in percent"
    return "in-distribution" if column == comparison.in_distribution else "shifted"


def measured_line(row: ComparisonRow, compared: Compared, *, bold: set[str]) -> str:
    """Build the row of a method's measured numbers at a strength."""
    name = escape(name_of(DETECTOR_NAMES, row.method.detector))
    cells = "".join(
        f"<td>{cell(row.entries.get(column), column, bold=column in bold)}</td>" for column in compared.columns
    )
    facts = f'<small class="below">{escape(facts_of(row, compared))}</small>'
    return f'<tr><th scope="row">{name}{facts}</th>{cells}</tr>'


def facts_of(row: ComparisonRow, compared: Compared) -> str:
    """Describe a row: strength of matching, adaptation, whether the method needs no training, and missing runs."""
    strength = row.method.style_weight
    return ", ".join(
        [
            "no matching" if strength is None else f"α = {strength:g}",
            *([] if row.method.use is None else [use_text(row.method.use)]),
            *(["needs no training"] if row.method.detector in YARDSTICKS else []),
            *([f"{row.runs} of {compared.full_runs} runs"] if row.runs != compared.full_runs else []),
        ]
    )


def published_line(row: ComparisonRow, columns: Sequence[str]) -> str:
    """Build the row of a method's published numbers."""
    cells = "".join(f"<td>{with_minus(value_text(row.entries.get(column), column))}</td>" for column in columns)
    return f'<tr class="published"><th scope="row">published</th>{cells}</tr>'


def cell(entry: Entry | None, column: str, *, bold: bool = False) -> str:
    """Build a cell: a number with its spread, and below it its interval and its difference from the reference."""
    if entry is None:
        return MISSING
    value = points(entry.value, signed=column == ID_COST)
    spread = "" if entry.spread is None else f" <small>± {points(entry.spread)}</small>"
    below = (
        escape(domain_name(entry.domain))
        if entry.domain  # that domain's own column has the rest
        else with_minus(interval_text(entry, column)) + difference(entry)
    )
    return (f"<b>{value}</b>" if bold else value) + spread + f'<small class="below">{below}</small>'


def difference(entry: Entry) -> str:
    """Format the difference from the reference, in colour only if its interval excludes zero; an empty span for zero.

    The ID cost, itself such a difference, has none.
    """
    if entry.difference is None:
        return ""
    kind = "" if not entry.clear else " gain" if entry.difference > 0 else " loss"
    text = points(entry.difference, signed=True) if entry.difference else ""
    return f'<span class="change{kind}">{text}</span>'
