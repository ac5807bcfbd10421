"""The scoring settings of a page: the strength of matching, and the others in a popover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.controls.fdm import choose_strength
from app.controls.settings import setting_inputs
from app.query_keys import MATCHING, REDUCTION
from app.words import FDM_SETTINGS_NOTE, STRENGTH_HELP
from gnl_core.config import ScoringConfig

FIELDS = ScoringConfig.model_fields


def choose_scoring(
    columns: Sequence[Any], *, label: str = "FDM strength α", about_strength: str = STRENGTH_HELP
) -> tuple[float, dict[str, Any]]:
    """Choose the strength of matching for all methods with FDM on, and return it with the changed settings.

    Args:
        columns: Containers for the popover and for the strength.
        label: Name of the strength.
        about_strength: Help for the strength.
    """
    left, middle = columns
    strength = choose_strength(middle, label=label, about=about_strength)
    with left.popover("Scoring settings", width="stretch"):
        st.caption(FDM_SETTINGS_NOTE)
        matching, reduction = st.columns(2)
        with matching:
            settings = setting_inputs({name: FIELDS[name] for name in MATCHING}, prefix="", unset="as trained")
        with reduction:
            settings |= setting_inputs({name: FIELDS[name] for name in REDUCTION}, prefix="", unset="as trained")
    return strength, settings
