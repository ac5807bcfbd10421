"""What can be taken away from a page: its numbers, its pictures, and the line that gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def chart_config(name: str) -> dict[str, Any]:
    """Plotly's bar with one button, which saves the chart as an SVG file of this name."""
    return {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }


def offer_file(label: str, file_name: str, make: Callable[[], str | bytes]) -> None:
    """A button that saves a file, which is made when it is pressed."""
    st.download_button(label, make, file_name=file_name, on_click="ignore", key=f"save_{file_name}")


def offer_command(command: str) -> None:
    """The line that gives the numbers of a view again, to be copied; a language's colours are too faint to read."""
    st.code(command, language=None, wrap_lines=True)
