"""Downloads of a page: its numbers, its pictures, and the command that reproduces the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


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


def offer_command(command: str) -> None:
    """Show the command that reproduces a view's numbers, without syntax colours, which are too faint to read."""
    st.code(command, language=None, wrap_lines=True)
