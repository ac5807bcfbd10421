"""Downloads of Compare: the whole comparison as a file, and the command and the notebook that reproduce it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.comparisons import ListedComparison
from app.display.downloads import offer_command, offer_file
from app.display.notebook import offer_notebook
from app.screens.compare.notebook import NOT_AGAIN, compare_notebook
from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.data import comparison_csv, comparison_json
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.text import markdown_page


def offer_comparison(listed: ListedComparison) -> None:
    """Offer all tables in four formats and a notebook, each created on request, and the command."""
    comparison = listed.comparison
    st.markdown("##### Download")
    row = st.container(horizontal=True)
    with row:
        offer_file("CSV", f"{file_stem(listed)}.csv", partial(comparison_csv, comparison))
        offer_file("Markdown", f"{file_stem(listed)}.md", partial(markdown_page, comparison))
        offer_file("HTML", f"{file_stem(listed)}.html", partial(comparison_page, comparison, {}))
        offer_file("JSON", f"{file_stem(listed)}.json", partial(comparison_json, comparison))
        offer_notebook(file_stem(listed), partial(compare_notebook, listed))
    st.caption(f"This command reproduces the comparison, as the notebook does; {NOT_AGAIN}.")
    offer_command(comparison_command(comparison, output=str(listed.output)))


def file_stem(listed: ListedComparison) -> str:
    """Return the common stem of the files' names."""
    return f"comparison-{listed.output.name}"
