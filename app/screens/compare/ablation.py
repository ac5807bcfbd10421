"""What does what: the training part alone, matching alone, both and neither, from the same numbers."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import streamlit as st

from app.methods import DETECTOR_NAMES
from app.screens.compare.choices import Compared, title_of
from app.screens.compare.table import cell, in_browser
from app.words import name_of, points
from gnl_core.comparison.records import REFERENCE, REFERENCE_DETECTOR, Entry, Method

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
    """A square of four numbers for in-distribution and one for the shift; says so where one of them is missing."""
    head = st.container(horizontal=True, vertical_alignment="center")
    head.markdown("##### What does what", width="content")
    strengths = matched_strengths(compared)
    if not strengths:
        st.caption(
            "This needs RD4AD and GNL, each without matching and with it; this comparison does not have all four."
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
    """The strengths at which RD4AD and GNL were both measured, if they were without matching too."""
    measured = {row.method for row in compared.every_row if not row.published}
    if not {REFERENCE, Method(OURS, 0.0)} <= measured:
        return []
    weights = {method.style_weight for method in measured if method.style_weight}
    both = (REFERENCE_DETECTOR, OURS)
    return sorted(weight for weight in weights if all(Method(name, weight) in measured for name in both))


def parts_of(compared: Compared, column: str, strength: float) -> Parts | None:
    """The four numbers of a column; None where one is missing."""
    numbers = {row.method: row.entries.get(column) for row in compared.every_row if not row.published}
    found = [numbers.get(Method(name, weight)) for weight in (0.0, strength) for name in (REFERENCE_DETECTOR, OURS)]
    there = [entry for entry in found if entry is not None]
    return Parts(*there) if len(there) == len(found) else None


def show_square(compared: Compared, column: str, parts: Parts, *, strength: float) -> None:
    """The four numbers, and in a sentence what each part adds."""
    name, side = title_of(column, compared), "base" if column == compared.base else "shift"
    in_browser()(key=f"parts_{side}", data={"table": square_html(name, parts, strength=strength), "name": name})
    st.caption(parts_sentence(parts))


def square_html(name: str, parts: Parts, *, strength: float) -> str:
    """Methods down, matching across; each number with its interval and its difference from neither."""
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
        + "".join(f'<td>{cell(entry, "")}<small class="below">{what}</small></td>' for what, entry in found)
        + "</tr>"
        for detector, found in rows.items()
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def parts_sentence(parts: Parts) -> str:
    """What each part adds to RD4AD without matching, and whether chance could explain it."""
    told = [f"{words} {part_words(getattr(parts, name))}" for name, words in PARTS.items()]
    return f"Against neither: {', '.join(told)}."


def part_words(entry: Entry) -> str:
    """A difference with its sign, and whether it is beyond its interval."""
    change = points(entry.difference or 0.0, signed=True)
    return f"{change} ({'clear' if entry.clear else 'within chance'})"
