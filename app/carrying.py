"""Choices that stay when a visitor goes from one page to another."""

from __future__ import annotations

import streamlit as st

SHOWN = "shown"  # the page that was last drawn
CARRIED = (
    *("data", "normal", "folder", "root", "shift", "severity", "methods", "side"),
    *("strength", "matched_stages", "reference_count", "reference_choice"),
    *("reduction", "top_percent", "smoothing_sigma_px"),
    *("lesson", "shown_shift", "guess", "draw", "failing_domain", "failing_image"),
)
CARRIED_PREFIXES = ("run_", "normal_image_", "anomalous_image_")  # a method's checkpoint, a data set's images


def carry_choices(title: str) -> None:
    """Give the widgets of the page that is opened the values that those of the last one had.

    Streamlit takes them for new ones, and drops from a link's address what stood in the last page's, so that nothing
    else would tell them. To be called before a page is drawn.

    Args:
        title: The page's.
    """
    if st.session_state.get(SHOWN, title) != title:
        for key in list(st.session_state):
            if key in CARRIED or str(key).startswith(CARRIED_PREFIXES):
                st.session_state[key] = st.session_state[key]
    st.session_state[SHOWN] = title
