"""Show a damaged file of a run as a message, so that the rest of the page stays."""

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
