"""The ablation of GNL: training part alone, matching alone, both and neither, from the same numbers."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import streamlit as st

from app.screens.compare.choices import Compared, title_of
from app.screens.compare.table import cell, in_browser
from app.words import points
from gnl_core.comparison.records import REFERENCE, REFERENCE_DETECTOR, Entry, Method
from gnl_core.names import DETECTOR_NAMES, name_of

OURS = "gnl"
PARTS = {"training": "the training part alone", "matching": "matching alone", "both": "both"}


class Parts(NamedTuple):
    """One column's numbers of RD4AD and GNL, without matching and with it.

    Attributes:
        neither: RD4AD without matching.
        training: GNL without matching.
        matching: RD4AD with matching.
        both: GNL with matching.
    """

    neither: Entry
    training: Entry
    matching: Entry
    both: Entry


def show_parts(compared: Compared) -> None:
    """Draw the four numbers in-distribution and under the shift; say so if any of them is missing."""
    head = st.container(horizontal=True, vertical_alignment="center")
    head.markdown("##### Contribution of each part", width="content")
    strengths = matched_strengths(compared)
    if not strengths:
        st.caption(
            "This needs RD4AD and GNL, each without and with matching; this comparison does not contain all four."
        )
        return
    strength = head.segmented_control(
        "FDM strength α",
        strengths,
        default=strengths[-1],
        required=True,
        format_func="α = {:g}".format,
        key="part_strength",
        bind="query-params",
        label_visibility="collapsed",
    )
    columns = [column for column in (compared.base, compared.shift) if column]
    for place, column in zip(st.columns(2, gap="large"), columns, strict=False):
        parts = parts_of(compared, column, strength)
        if parts is not None:
            with place:
                show_square(compared, column, parts, strength=strength)


def matched_strengths(compared: Compared) -> list[float]:
    """List the strengths at which both RD4AD and GNL were measured; none unless both were measured without matching."""
    measured = {row.method for row in compared.every_row if not row.published}
    if not {REFERENCE, Method(OURS, 0.0)} <= measured:
        return []
    weights = {method.style_weight for method in measured if method.style_weight}
    both = (REFERENCE_DETECTOR, OURS)
    return sorted(weight for weight in weights if all(Method(name, weight) in measured for name in both))


def parts_of(compared: Compared, column: str, strength: float) -> Parts | None:
    """Return the four numbers of a column; None if any is missing."""
    numbers = {row.method: row.entries.get(column) for row in compared.every_row if not row.published}
    entries = [numbers.get(Method(name, weight)) for weight in (0.0, strength) for name in (REFERENCE_DETECTOR, OURS)]
    measured = [entry for entry in entries if entry is not None]
    return Parts(*measured) if len(measured) == len(entries) else None


def show_square(compared: Compared, column: str, parts: Parts, *, strength: float) -> None:
    """Draw the four numbers, and a sentence on what each part adds."""
    name, side = title_of(column, compared), "base" if column == compared.base else "shift"
    in_browser()(key=f"parts_{side}", data={"table": square_html(name, parts, strength=strength), "name": name})
    st.caption(parts_sentence(parts))


def square_html(name: str, parts: Parts, *, strength: float) -> str:
    """Build the table, methods by matching; each number with its interval and its difference from "neither"."""
    head = "".join(
        f'<th scope="col"><span class="head">{escape(text)}</span></th>'
        for text in (name, "without matching", f"matching, α = {strength:g}")
    )
    rows = {
        REFERENCE_DETECTOR: (("neither", parts.neither), ("matching alone", parts.matching)),
        OURS: (("training part alone", parts.training), ("both", parts.both)),
    }
    lines = [
        f'<tr><th scope="row">{name_of(DETECTOR_NAMES, detector)}</th>'
        + "".join(f'<td>{cell(entry, "")}<small class="below">{what}</small></td>' for what, entry in entries)
        + "</tr>"
        for detector, entries in rows.items()
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def parts_sentence(parts: Parts) -> str:
    """State what each part adds to RD4AD without matching, and whether chance could explain it."""
    changes = [f"{words} {part_words(getattr(parts, name))}" for name, words in PARTS.items()]
    return f"Difference from neither: {', '.join(changes)}."


def part_words(entry: Entry) -> str:
    """Format a signed difference, and say whether its interval excludes zero."""
    change = points(entry.difference or 0.0, signed=True)
    return f"{change} ({'clear' if entry.clear else 'chance could explain it'})"
