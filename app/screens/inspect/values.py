"""Values of a stage before and after matching: one channel's as curves, all channels' mean and deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

if TYPE_CHECKING:
    from app.inspection import Reasons

STAGE, CHANNEL = "stage", "channel"
CHANNEL_HELP = "If empty, the channel whose values are moved most."
VALUES_HELP = (
    "All values of one channel of the teacher's features, from the smallest to the largest. Matching moves each toward "
    "the reference's value of the same rank; at strength 1 the curves coincide. An unmatched stage changes only "
    "through the matched stages before it."
)
MOMENTS_HELP = (
    "Mean over all channels and positions; deviation within a channel, averaged over the channels. In brackets: the "
    "reference's values."
)
SPACE = "\N{NO-BREAK SPACE}"


def show_values(explanation: Reasons) -> None:
    """Choose a stage and a channel, and draw its values."""
    from gnl_core.plots.values import value_curves  # noqa: PLC0415 (Plotly takes a second to import)

    st.markdown("**Sorted values of a channel**", help=VALUES_HELP)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    number = choose_stage(row, count=len(explanation.stages))
    stage = explanation.stages[number - 1]
    channel = choose_channel(row, count=len(stage.before), farthest=stage.farthest)
    reference = None if stage.reference is None else stage.reference[channel]
    st.plotly_chart(
        value_curves(stage.before[channel], stage.after[channel], reference),
        key="values",
        config={"displayModeBar": False},
        alt=f"Sorted values of stage {number}, channel {channel + 1}, before and after matching, and the reference's",
    )


def choose_stage(place: DeltaGenerator, *, count: int) -> int:
    """Choose a stage by its number, from 1."""
    stages = range(1, count + 1)
    return place.segmented_control("Stage", stages, default=1, required=True, key=STAGE, bind="query-params") or 1


def choose_channel(place: DeltaGenerator, *, count: int, farthest: int) -> int:
    """Choose a channel by its number, from 1 on the page; by default the one that matching moves most."""
    if st.session_state.get(CHANNEL) is not None:
        st.session_state[CHANNEL] = min(st.session_state[CHANNEL], count)
    chosen = place.number_input(
        f"Channel (of {count:,})",
        1,
        count,
        value=None,
        placeholder=f"{farthest + 1}, moved most",
        key=CHANNEL,
        bind="query-params",
        help=CHANNEL_HELP,
        width=200,
    )
    return farthest if chosen is None else chosen - 1


def show_moments(explanation: Reasons) -> None:
    """Show mean and deviation of every stage's values as a small table."""
    st.markdown("**Mean and deviation of the values, before → after matching**", help=MOMENTS_HELP)
    lines = ["| | mean | deviation |", "|---|---|---|"]
    for number, stage in enumerate(explanation.stages, start=1):
        means = format_values([moments and moments.mean for moments in stage.moments])
        deviations = format_values([moments and moments.deviation for moments in stage.moments])
        lines.append(f"| stage{SPACE}{number} | {means} | {deviations} |")
    st.markdown("\n".join(lines))


def format_values(values: list[float | None]) -> str:
    """Format a number before and after matching, with the reference's in brackets if there is one."""
    before, after, reference = ("" if value is None else f"{value:.3f}".replace("-", "−") for value in values)
    return f"{before}{SPACE}→{SPACE}{after}" + (f"{SPACE}({reference})" if reference else "")
