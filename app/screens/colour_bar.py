"""The colour bar below anomaly maps."""

from __future__ import annotations

import streamlit as st

from app.screens.pictures import picture_url


def draw_colour_bar(upper: str) -> None:
    """The colours of all maps of a page, with the numbers at their ends.

    Args:
        upper: What is written at the upper end; the lower one is 0.
    """
    from gnl_core.plots.maps import colour_bar  # noqa: PLC0415 (matplotlib takes a second to import)

    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    bar.caption("Anomaly map  0", width="content")
    colours = picture_url(colour_bar(width_px=160, height_px=10))
    bar.image(colours, width=160, alt="Colour scale from black to pale yellow")
    bar.caption(upper, width="content")
