"""Navigation between the steps of Learn, and lecture mode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import PROJECT
from app.display.components import component
from app.display.downloads import offer_file
from app.screens.learn.step import CHOICES
from gnl_core.files import read_text

LESSON = PROJECT / "assets" / "lesson.html"
STEP, LECTURE = "step", "lecture"  # query parameters
KEPT_STEP = "learn_step"  # session key; a link to the page has no step in its address
CONTROLS, DOTS = "learn_controls", "learn_dots"
LARGE = f"""<style>
:root {{ font-size: 21px !important; }}
[data-testid="stHeader"], .st-key-{CHOICES}, .st-key-{CONTROLS} {{ display: none; }}
[data-testid="stMainBlockContainer"] {{ padding-top: 1rem; padding-bottom: 1rem; }}
</style>"""


def current_step(count: int) -> int:
    """Return the current step, from 1: the address's, else the one shown last."""
    in_address = st.query_params.get(STEP, "")
    wanted = int(in_address) if in_address.isdecimal() else st.session_state.get(KEPT_STEP, 1)
    step = min(max(1, wanted), count)
    st.session_state[KEPT_STEP] = step
    if in_address != str(step):
        st.query_params[STEP] = str(step)
    return step


def go_to(step: int) -> None:
    """Open a step."""
    st.session_state[KEPT_STEP] = step
    st.query_params[STEP] = str(step)


def navigate(titles: Sequence[str], step: int) -> bool:
    """Draw dots, Previous and Next, and the toggle of lecture mode.

    Args:
        titles: The titles of all steps.
        step: The current step, from 1.

    Returns:
        Whether lecture mode is on: controls hidden, everything larger; the arrow keys still work.
    """
    with st.container(key=CONTROLS, horizontal=True, vertical_alignment="center", gap="small"):
        st.button("‹ Previous", key="previous_step", on_click=go_to, args=(step - 1,), disabled=step == 1)
        dots_place = st.container(width="content")
        st.button("Next ›", key="next_step", on_click=go_to, args=(step + 1,), disabled=step == len(titles))
        st.space("stretch")
        offer_file("Lesson in one file", LESSON.name, partial(read_text, LESSON))
        lecture = st.toggle(
            "Lecture mode",
            key=LECTURE,
            bind="query-params",
            help="For a projector: larger, without controls. ← and → change the step, Escape shows the controls again.",
        )
    with dots_place:
        draw_dots(titles, step, lecture=lecture)
    if lecture:
        st.html(LARGE)
    return lecture


def draw_dots(titles: Sequence[str], step: int, *, lecture: bool) -> None:
    """Draw a dot for each step; the component also handles the arrow keys, wherever the focus is."""
    component("steps", html='<nav aria-label="Steps"></nav>', css=("steps.css",), js=("steps.js",))(
        key=DOTS,
        data={"titles": list(titles), "step": step, "lecture": lecture},
        on_step_change=open_clicked,
        on_leave_change=leave_lecture,
        width="content",
    )


def open_clicked() -> None:
    """Open the step selected by a dot or a key."""
    go_to(int(st.session_state[DOTS].step))


def leave_lecture() -> None:
    """Show the controls again."""
    st.session_state[LECTURE] = False
