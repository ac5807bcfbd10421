"""Parts of pages that live in the browser, made of the files in app/frontend."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import PROJECT

FRONTEND = PROJECT / "app" / "frontend"


@st.cache_resource(show_spinner=False)
def component(name: str, *, html: str, css: str, js: tuple[str, ...], isolated: bool = True) -> Any:
    """A part that lives in the browser, registered once for all sessions.

    Args:
        name: What Streamlit knows it by.
        html: What it starts with.
        css: The file of its styles.
        js: The files of its script, one after the other.
        isolated: Whether styles of the page and of the part are kept from each other.

    Returns:
        What draws it; see `st.components.v2.component`.
    """
    script = "\n".join(map(read, js))
    return st.components.v2.component(f"gnl_{name}", html=html, css=read(css), js=script, isolate_styles=isolated)


def read(name: str) -> str:
    """A file of a part that lives in the browser."""
    return (FRONTEND / name).read_text(encoding="utf-8")


HISTORY = read("history.js")  # a script of every page, read once
