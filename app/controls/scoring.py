"""How a page asks its methods: the strength of matching, and, folded, all else that changes no weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.controls.fdm import choose_strength
from app.controls.settings import setting_inputs
from app.query_keys import MATCHING, REDUCTION
from app.words import FDM_SETTINGS_NOTE, STRENGTH_HELP


def choose_scoring(columns: Sequence[Any], *, about_strength: str = STRENGTH_HELP) -> tuple[float, dict[str, Any]]:
    """The strength of matching for every method that has it on, and the settings that were changed.

    Args:
        columns: The places for the folded settings and for the strength.
        about_strength: What the strength is for on the page.
    """
    left, middle = columns
    strength = choose_strength(middle, about_strength=about_strength)
    with left.popover("How to score", width="stretch"):
        st.caption(FDM_SETTINGS_NOTE)
        matching, reduction = st.columns(2)
        with matching:
            settings = setting_inputs(MATCHING, prefix="", unset="as trained")
        with reduction:
            settings |= setting_inputs(REDUCTION, prefix="", unset="as trained")
    return strength, settings
