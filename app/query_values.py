"""Check what an address holds before any widget reads it, because anyone can write an address."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.state import get_session_state

from app.query_keys import SEVERAL

LONGEST = 4096  # characters of a value; the longest is a path
MOST = 100  # values of one key
LARGEST = 2**53  # beyond it, browsers round whole numbers
UNPRINTABLE = ("Cc", "Cs")  # Unicode's categories of control characters and of surrogates without their other half


def drop_unusable() -> None:
    """Remove from the address what no page can use, so that its widgets have their defaults; call this before them.

    Streamlit ends a page when a number in the address is infinite, for example. It reads the address once more for its
    widgets, from a copy that only its internal interface can renew.
    """
    unusable = [key for key in st.query_params if not is_usable(key, st.query_params.get_all(key))]
    if not unusable:
        return
    with get_session_state().query_params() as parameters:
        for key in unusable:
            parameters.remove_param(key)
        parameters.set_initial_query_params_from_current()


def is_usable(key: str, values: Sequence[str]) -> bool:
    """Return whether the values of a query parameter can be read.

    Args:
        key: The name of the parameter.
        values: Its values, in the order of the address.

    Returns:
        Whether a key of `SEVERAL` has at most 100 values and any other key at most one, each of them printable text of
        at most 4096 characters, and within ±2⁵³ if it reads as a number. Whether the value is among a widget's options
        or between its bounds is checked by the widget.
    """
    most = MOST if key in SEVERAL else 1
    return len(values) <= most and all(is_text(value) and not is_beyond_numbers(value) for value in values)


def is_text(value: str) -> bool:
    """Return whether a value is short and has no control characters and no lone surrogates."""
    return len(value) <= LONGEST and not any(unicodedata.category(character) in UNPRINTABLE for character in value)


def is_beyond_numbers(value: str) -> bool:
    """Return whether a value reads as a number that is not finite or has more digits than a browser can count."""
    try:
        number = float(value)
    except ValueError:
        return False
    return not math.isfinite(number) or abs(number) > LARGEST
