"""Downloads of a page: its numbers, its pictures, and the command that reproduces the numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from gnl_core.messages import as_sentence, describe_error


def chart_config(name: str) -> dict[str, Any]:
    """Configure Plotly's toolbar with a single button, which saves the chart as an SVG file of this name."""
    return {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }


def offer_file(label: str, file_name: str, make: Callable[[], str | bytes]) -> None:
    """Draw a button that downloads a file, which is created when the button is pressed."""
    st.download_button(label, make, file_name=file_name, on_click="ignore", key=f"save_{file_name}")


def offer_page(label: str, file_name: str, make: Callable[[], str]) -> None:
    """Draw a button that downloads an HTML file; if it cannot be made, the file says why.

    It is made after the page is drawn, so the page cannot say so.
    """
    offer_file(label, file_name, partial(page_or_reason, make))


def page_or_reason(make: Callable[[], str]) -> str:
    """Make an HTML file, or one with the reason why it cannot be made."""
    try:
        return make()
    except (ValueError, OSError) as error:
        from gnl_core.templates import render  # noqa: PLC0415 (Jinja2 takes a tenth of a second to import)

        return render("page/reason.html", reason=as_sentence(describe_error(error)))


def offer_command(command: str) -> None:
    """Show the command that reproduces a view's numbers, without syntax colours, which are too faint to read."""
    st.code(command, language=None, wrap_lines=True)
