"""Choices that stay when a visitor goes from one page to another."""

from __future__ import annotations

import streamlit as st

from app.query_keys import CARRIED, CARRIED_PREFIXES

SHOWN = "shown"  # the page that was last drawn


def is_another_page(title: str) -> bool:
    """Whether another page was drawn last.

    Args:
        title: The title of the page that is to be drawn.
    """
    return st.session_state.get(SHOWN, title) != title


def carry_choices(title: str) -> None:
    """Give the widgets of the page that is opened the values that those of the last one had.

    Streamlit takes for new what is another kind of widget there, and forgets what the last page did not show. To be
    called before a page is drawn.

    Args:
        title: The page's.
    """
    if is_another_page(title):
        for key in list(st.session_state):
            if key in CARRIED or str(key).startswith(CARRIED_PREFIXES):
                st.session_state[key] = st.session_state[key]
    st.session_state[SHOWN] = title
