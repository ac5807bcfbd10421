"""The histogram bars selected on Explore, which determine the gallery's images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import query_keys as keys
from gnl_core.plots.scrubber import Selection

BETWEEN = "between"  # the gallery's range of scores
GALLERY_STRENGTH = "gallery_strength"  # the strength of the selected bars, at which the gallery's images are scored


def select_bars(
    read: Callable[[Sequence[Mapping[str, Any]]], Selection | None], detectors: Sequence[str], sides: tuple[str, str]
) -> None:
    """Show the images of the selected bars in the gallery; an empty selection changes nothing.

    Args:
        read: Converts the points that Streamlit reports to a selection.
        detectors: The methods, in the order of the chart's rows.
        sides: The labels of the two domains.
    """
    selected = read(st.session_state["figures"]["selection"]["points"])
    if selected is None:
        return
    st.session_state["gallery_of"] = detectors[selected.row]
    st.session_state[keys.SIDE] = sides[selected.shifted]
    st.session_state[BETWEEN] = (selected.low, selected.high)
    st.session_state[GALLERY_STRENGTH] = selected.strength


def forget_selection() -> None:
    """Show all images in the gallery again, at the chosen strength."""
    for key in (BETWEEN, GALLERY_STRENGTH):
        st.session_state.pop(key, None)


def adopt_selection(strengths: Sequence[float]) -> None:
    """Start a page opened from the gallery at the strength of the gallery's images.

    Args:
        strengths: The values of the page's slider.
    """
    strength = st.session_state.pop(GALLERY_STRENGTH, None)
    if strength in strengths:
        st.session_state[keys.STRENGTH] = strength
