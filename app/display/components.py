"""Components that run in the browser, built from the files in app/frontend."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import PROJECT

FRONTEND = PROJECT / "app" / "frontend"
PAGE = "../../gnl_core/page"  # what the files without a server have too: Eq. 1, histograms, the painter


@st.cache_resource(show_spinner=False)
def component(name: str, *, html: str, css: tuple[str, ...], js: tuple[str, ...], isolated: bool = True) -> Any:
    """Register a browser component once for all sessions.

    Args:
        name: The name under which Streamlit registers it, without the prefix "gnl_".
        html: Its initial HTML.
        css: The files with its styles, concatenated in this order.
        js: The files of its script, likewise.
        isolated: Whether the page's styles and the component's are isolated from each other.

    Returns:
        The function that draws it; see `st.components.v2.component`.
    """
    style, script = ("\n".join(map(read, files)) for files in (css, js))
    return st.components.v2.component(f"gnl_{name}", html=html, css=style, js=script, isolate_styles=isolated)


def read(name: str) -> str:
    """Read a file of a browser component."""
    return (FRONTEND / name).read_text(encoding="utf-8")


HISTORY = read("history.js")  # runs on every page; read once
