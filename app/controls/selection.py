"""Bars that were selected in the figures of Explore: they fill the gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from gnl_core.plots.scrubber import Selection

BETWEEN = "between"  # the gallery's range of scores
GALLERY_STRENGTH = "gallery_strength"  # the strength that its images are scored at, where bars of it were selected


def select_bars(
    read: Callable[[Sequence[Mapping[str, Any]]], Selection | None], detectors: Sequence[str], sides: tuple[str, str]
) -> None:
    """Let the gallery show the images of the selected bars; a box around nothing changes nothing.

    Args:
        read: Makes a selection of the points that Streamlit tells of.
        detectors: The methods, in the order of the figures' rows.
        sides: What the two domains are called.
    """
    found = read(st.session_state["figures"]["selection"]["points"])
    if found is None:
        return
    st.session_state["gallery_of"] = detectors[found.row]
    st.session_state["side"] = sides[found.shifted]
    st.session_state[BETWEEN] = (found.low, found.high)
    st.session_state[GALLERY_STRENGTH] = found.strength


def forget_selection() -> None:
    """Let the gallery show all images again, at the strength that is chosen."""
    for key in (BETWEEN, GALLERY_STRENGTH):
        st.session_state.pop(key, None)


def adopt_selection(strengths: Sequence[float]) -> None:
    """Let a page that is opened from the gallery begin with the strength that its images are scored at.

    Args:
        strengths: Those that the page's slider has.
    """
    strength = st.session_state.pop(GALLERY_STRENGTH, None)
    if strength in strengths:
        st.session_state["strength"] = strength
