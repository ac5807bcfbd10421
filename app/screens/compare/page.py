"""Compare: methods side by side, measured and published numbers, and the contribution of each part of GNL."""

from __future__ import annotations

import streamlit as st

from app.comparisons import list_comparisons, unnoticed_divergence
from app.display.downloads import offer_command
from app.screens.compare.ablation import show_parts
from app.screens.compare.choices import choose_compared
from app.screens.compare.dots import show_dots
from app.screens.compare.downloads import offer_comparison
from app.screens.compare.histograms import show_pair
from app.screens.compare.summary import adapting_sentence, matching_sentence, summary_sentence
from app.screens.compare.table import show_table
from app.words import plain
from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.text import describe, describe_diverged


def page() -> None:
    """Draw the page from top to bottom."""
    everything, problems = list_comparisons()
    for problem in problems:
        st.warning(f"A comparison was left out: {plain(problem)}")
    if not everything:
        st.info(
            "There is no comparison yet. Create one with `gnl compare --output runs/mine …`; this page then shows it."
        )
        return
    compared = choose_compared(everything)
    diverged = unnoticed_divergence(compared.listed)
    if diverged:
        st.error(
            "These numbers cannot be shown, because they include runs that diverged, whose scores are not finite: "
            f"{plain(', '.join(diverged))}. The command below leaves them out; to include them, train them again with "
            "a smaller --learning-rate in another folder."
        )
        offer_command(comparison_command(compared.comparison, output=str(compared.listed.output)))
        return
    if compared.comparison.diverged:
        st.warning(plain(describe_diverged(compared.comparison.diverged)))
    effects = " ".join(filter(None, (matching_sentence(compared), adapting_sentence(compared))))
    st.markdown(f"##### {plain(summary_sentence(compared))}\n\n{plain(effects)}")
    st.caption(plain(" ".join(describe(compared.comparison)[:1])))
    show_dots(compared)
    show_table(compared)
    show_parts(compared)
    show_pair(compared)
    offer_comparison(compared.listed)
