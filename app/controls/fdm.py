"""The controls of feature distribution matching: a switch for each method, and a strength shared by all."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.selection import forget_selection
from app.methods import MATCHED_BY_DEFAULT
from app.words import FDM_HELP

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


def choose_fdm(checkpoint: Checkpoint) -> bool:
    """Draw a method's FDM switch; no switch, and False, if it has no features to match or stores no references."""
    if not checkpoint.has_references:
        return False
    detector = checkpoint.config.detector
    return st.toggle(
        "FDM", value=detector in MATCHED_BY_DEFAULT, key=f"{keys.FDM}{detector}", bind="query-params", help=FDM_HELP
    )


def choose_strength(place: DeltaGenerator, *, label: str, about: str) -> float:
    """Draw the slider of the strength of matching, in (0, 1], for every method whose switch is on."""
    return float(
        place.select_slider(
            label,
            STRENGTHS,
            value=STRENGTHS[-1],
            key=keys.STRENGTH,
            bind="query-params",
            help=about,
            on_change=forget_selection,
        )
    )
