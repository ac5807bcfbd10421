"""How a page asks its methods: the strength of matching, and, folded, all else that changes no weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.cache import Checkpoint
from app.methods import MATCHED_AT_FIRST
from app.screens.explore_selection import forget_selection
from app.screens.settings import setting_inputs
from app.words import FDM_HELP, FDM_SETTINGS_NOTE, STRENGTH_HELP

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MATCHING = ("matched_stages", "reference_count", "reference_choice")
REDUCTION = ("reduction", "top_percent", "smoothing_sigma_px")


def choose_matching(checkpoint: Checkpoint) -> bool:
    """Whether a method's features are matched; not asked where it has no features, or keeps no references."""
    if not checkpoint.has_references:
        return False
    detector = checkpoint.config.detector
    return st.toggle(
        "FDM", value=detector in MATCHED_AT_FIRST, key=f"fdm_{detector}", bind="query-params", help=FDM_HELP
    )


def choose_scoring(columns: Sequence[Any], *, about_strength: str = STRENGTH_HELP) -> tuple[float, dict[str, Any]]:
    """The strength of matching for every method that has it on, and the settings that were changed.

    Args:
        columns: The places for the folded settings and for the strength.
        about_strength: What the strength is for on the page.
    """
    left, middle = columns
    strength = middle.select_slider(
        "FDM strength α",
        STRENGTHS,
        value=STRENGTHS[-1],
        key="strength",
        bind="query-params",
        help=about_strength,
        on_change=forget_selection,
    )
    with left.popover("How to score", width="stretch"):
        st.caption(FDM_SETTINGS_NOTE)
        matching, reduction = st.columns(2)
        with matching:
            settings = setting_inputs(MATCHING, prefix="", unset="as trained")
        with reduction:
            settings |= setting_inputs(REDUCTION, prefix="", unset="as trained")
    return float(strength), settings
