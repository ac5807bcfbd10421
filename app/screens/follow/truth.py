"""The truth about the example line: what it shows, and what each threshold reports and misses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from app.words import counted
from gnl_core.adaptation.line_errors import LineErrors, count_errors
from gnl_core.datasets.parts.line import DEFECT_EVERY, LAMP_MOVES, LENGTH, TOOL_WEARS, Shot
from gnl_core.runs.followed import FollowedLine

DESIGN_HELP = (
    "The example is rendered, and its schedule was chosen so that both the benefit and the risk can be seen. It says "
    "nothing about how often either occurs on a real line."
)


class Both(NamedTuple):
    """The errors of both thresholds on the example."""

    fixed: LineErrors
    following: LineErrors


def show_design() -> None:
    """Draw what the example shows, and that it was made to show it."""
    st.caption(
        f"**Example**: {LENGTH} rendered nuts in order of time, made to show the benefit and the risk of a threshold "
        f"that follows. From nut {LAMP_MOVES[0]} to {LAMP_MOVES[1]} the lamp moves; from nut {TOOL_WEARS[0]} on, a "
        f"worn tool scratches every nut, a little deeper each time. Every {DEFECT_EVERY}th nut has a defect of its "
        "own. Enter a folder above to follow images of your own.",
        help=DESIGN_HELP,
    )


def judge(line: FollowedLine, shots: Sequence[Shot]) -> Both:
    """Count the errors of both thresholds."""
    return Both(count_errors(line.following.fixed_alarm, shots), count_errors(line.following.following_alarm, shots))


def truth_sentence(both: Both) -> str:
    """Compare both thresholds by their false alarms and by the damage that they report."""
    fixed, following = both
    return (
        f"The fixed threshold raises {counted(fixed.false_alarms, 'false alarm')} among {fixed.n_good} good nuts and "
        f"reports {fixed.reported} of {fixed.n_worn} worn ones; the one that follows raises {following.false_alarms} "
        f"and reports {following.reported}."
    )


def show_truth(both: Both) -> None:
    """Draw a table with the errors of both thresholds, and the number of nuts of each kind."""
    fixed, following = both
    rows = [
        ("Good nuts: false alarms", fixed.n_good, fixed.false_alarms, following.false_alarms),
        ("Nuts with a defect of their own: missed", fixed.n_defective, fixed.missed, following.missed),
        ("Worn nuts: reported", fixed.n_worn, fixed.reported, following.reported),
        ("Worn nuts: all reported", "", from_nut(fixed), from_nut(following)),
    ]
    lines = ["| | n | fixed threshold | following threshold |", "|---|---:|---:|---:|"]
    st.markdown("\n".join(lines + [f"| {' | '.join(map(str, row))} |" for row in rows]))


def from_nut(errors: LineErrors) -> str:
    """Say from which nut on all worn nuts raise an alarm."""
    return "never" if errors.all_reported_from is None else f"from nut {errors.all_reported_from} on"
