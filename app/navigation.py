"""Choices that persist when a visitor opens another page."""

from __future__ import annotations

import streamlit as st

from app.query_keys import CARRIED, CARRIED_PREFIXES

SHOWN = "shown"  # session key of the title of the page drawn last


def is_another_page(title: str) -> bool:
    """Return whether the previous run drew another page.

    Args:
        title: The title of the page about to be drawn.
    """
    return st.session_state.get(SHOWN, title) != title


def carry_choices(title: str) -> None:
    """Keep the values of shared widgets when another page opens; call this before drawing a page.

    Without it, Streamlit resets a widget that has another type on the new page, and forgets the values of widgets
    that the previous page did not draw.

    Args:
        title: The title of the page about to be drawn.
    """
    if is_another_page(title):
        for key in list(st.session_state):
            if key in CARRIED or str(key).startswith(CARRIED_PREFIXES):
                st.session_state[key] = st.session_state[key]
    st.session_state[SHOWN] = title
