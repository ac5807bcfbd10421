"""Choices that an address asks for and a page does not offer: the page says what it shows instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.words import plain

ASKED = "asked"  # session key: the query parameters that a session begins with, in its first run
SUBSTITUTES = "substitutes"  # session key: by widget, what is shown instead of what the address asked for
REPORTS = "reports"  # session key: sentences of the current run


class Substitute(NamedTuple):
    """What a page shows instead of what its address asked for."""

    asked: str
    shown: str


def read_address(*, is_first_run: bool) -> None:
    """Note what the address asks for; call this before drawing a page.

    Args:
        is_first_run: Whether the session begins. Later addresses are the app's own, whose choices exist.
    """
    st.session_state[ASKED] = {key: st.query_params.get_all(key) for key in st.query_params} if is_first_run else {}
    st.session_state[REPORTS] = []


def check_asked(
    key: str, label: str, chosen: Any, offered: Iterable[Any], *, format_func: Callable[[Any], str] = str
) -> None:
    """Note if a widget shows something else than the address asked for, until its choice changes.

    Args:
        key: The widget's key, which is its query parameter.
        label: Its label.
        chosen: Its value, or a list of values.
        offered: Its options.
        format_func: Returns the text of an option, which stands in the address.
    """
    substitutes: dict[str, Substitute] = st.session_state.setdefault(SUBSTITUTES, {})
    shown = ", ".join(map(format_func, chosen if isinstance(chosen, list) else [chosen]))
    asked: list[str] = st.session_state.get(ASKED, {}).get(key, [])
    missing = sorted(set(asked) - set(map(format_func, offered)), key=asked.index) if asked else []
    if missing:
        substitutes[key] = Substitute(", ".join(missing), shown)
    elif key in substitutes and substitutes[key].shown != shown:
        del substitutes[key]
    if key in substitutes:
        st.session_state.setdefault(REPORTS, []).append(
            f"“{plain(substitutes[key].asked)}”, which this address asks for under *{plain(label)}*, is not available "
            f"here. The page shows “{plain(shown)}” instead."
        )


def report_substitutes(place: DeltaGenerator) -> None:
    """Warn of what the page shows instead of what the address asked for; call this after drawing the page."""
    with place:
        for sentence in st.session_state[REPORTS]:
            st.warning(sentence)
