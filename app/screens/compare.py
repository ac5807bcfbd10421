"""Compare: methods side by side, measured beside published, and what each part of GNL does."""

from __future__ import annotations

import streamlit as st

from app.comparisons import list_comparisons
from app.screens.compare_choices import choose_compared
from app.screens.compare_dots import show_dots
from app.screens.compare_finding import finding, matching_sentence
from app.screens.compare_pair import show_pair
from app.screens.compare_parts import show_parts
from app.screens.compare_table import show_table
from app.screens.compare_taking import offer_comparison
from gnl_core.runs.comparison.text import describe


def page() -> None:
    """Draw the page from top to bottom."""
    everything, problems = list_comparisons()
    for problem in problems:
        st.warning(f"One comparison was left out: {problem}")
    if not everything:
        st.info(
            "There is no comparison here. `gnl compare --output runs/mine …` makes one, and this page then shows it."
        )
        return
    compared = choose_compared(everything)
    st.markdown(f"##### {finding(compared)}\n\n{matching_sentence(compared)}")
    st.caption(" ".join(describe(compared.comparison)[:1]))
    show_dots(compared)
    show_table(compared)
    show_parts(compared)
    show_pair(compared)
    offer_comparison(compared.found)
