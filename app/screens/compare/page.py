"""Compare: methods side by side, measured beside published, and what each part of GNL does."""

from __future__ import annotations

import streamlit as st

from app.comparisons import list_comparisons, unnoticed_divergence
from app.display.downloads import offer_command
from app.screens.compare.ablation import show_parts
from app.screens.compare.choices import choose_compared
from app.screens.compare.dots import show_dots
from app.screens.compare.downloads import offer_comparison
from app.screens.compare.histograms import show_pair
from app.screens.compare.summary import finding, matching_sentence
from app.screens.compare.table import show_table
from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.text import describe, describe_diverged


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
    diverged = unnoticed_divergence(compared.found)
    if diverged:
        st.error(
            "These numbers cannot be shown, because they count runs that diverged, whose scores are not finite: "
            f"{', '.join(diverged)}. The command below leaves them out; for numbers of theirs, train them with a "
            "smaller --learning-rate in another folder."
        )
        offer_command(comparison_command(compared.comparison, output=str(compared.found.output)))
        return
    if compared.comparison.diverged:
        st.warning(describe_diverged(compared.comparison.diverged))
    st.markdown(f"##### {finding(compared)}\n\n{matching_sentence(compared)}")
    st.caption(" ".join(describe(compared.comparison)[:1]))
    show_dots(compared)
    show_table(compared)
    show_parts(compared)
    show_pair(compared)
    offer_comparison(compared.found)
