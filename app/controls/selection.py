"""The histogram bars selected on Explore, which determine the gallery's images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from app import query_keys as keys

BETWEEN = "between"  # the gallery's range of scores
GALLERY_STRENGTH = "gallery_strength"  # the strength of the selected bars, at which the gallery's images are scored
BARS = "selected_bars"  # the bars themselves with their method, as long as the gallery shows their images
SELECTED_IN = "selected_in"  # the images that the selection is about


class Bars(BaseModel):
    """Selected bars of a method, as a visitor's browser sends them.

    Attributes:
        shifted: 1 for the shifted domain, else 0.
        strength: The strength of matching at which the bars were drawn.
        low: Lower edge of the first bin.
        high: Upper edge of the last bin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shifted: Annotated[int, Field(ge=0, le=1)]
    strength: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


def select_bars(key: str, detector: str, sides: tuple[str, str]) -> None:
    """Show the images of the selected bars in the gallery; all images again if the selection ended.

    Args:
        key: The key of the component with the bars.
        detector: Its method.
        sides: The labels of the two domains.
    """
    try:
        bars = Bars.model_validate(st.session_state[key].selected)
    except ValidationError:
        forget_selection()
        return
    st.session_state["gallery_of"] = detector
    st.session_state[keys.SIDE] = sides[bars.shifted]
    st.session_state[BETWEEN] = (bars.low, bars.high)
    st.session_state[GALLERY_STRENGTH] = bars.strength
    st.session_state[BARS] = (detector, bars)


def bars_of(detector: str) -> Bars | None:
    """Return a method's selected bars; None if there are none."""
    owner, bars = st.session_state.get(BARS, (None, None))
    return bars if owner == detector else None


def unmark_bars() -> None:
    """Mark no bars any more, because the gallery shows other images."""
    st.session_state.pop(BARS, None)


def forget_selection() -> None:
    """Show all images in the gallery again, at the chosen strength."""
    for key in (BETWEEN, GALLERY_STRENGTH, BARS):
        st.session_state.pop(key, None)


def forget_selection_elsewhere(images: tuple[object, ...]) -> None:
    """Forget a selection that was made when the page showed other images.

    Args:
        images: What identifies the images on the page.
    """
    if st.session_state.get(SELECTED_IN, images) != images:
        forget_selection()
    st.session_state[SELECTED_IN] = images


def adopt_selection(strengths: Sequence[float]) -> None:
    """Start a page opened from the gallery at the strength of the gallery's images.

    Args:
        strengths: The values of the page's slider.
    """
    strength = st.session_state.pop(GALLERY_STRENGTH, None)
    if strength in strengths:
        st.session_state[keys.STRENGTH] = strength
