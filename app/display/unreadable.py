"""Show what cannot be read or drawn as a message, so that the rest of the page stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.words import plain
from gnl_core.files import UnreadableFileError


@contextmanager
def showing_unreadable() -> Iterator[None]:
    """Show the message of a file that cannot be read, instead of what follows in the block."""
    try:
        yield
    except UnreadableFileError as error:
        st.error(plain(error))


@contextmanager
def reporting_errors(named: str) -> Iterator[None]:
    """Say why something cannot be shown, instead of what follows in the block.

    Args:
        named: What it is, as the beginning of the sentence, such as "This image".
    """
    try:
        yield
    except (ValueError, OSError) as error:
        st.error(f"{named} cannot be shown: {plain(error)}")
