"""What can be taken away from Compare: the whole comparison as a file, and the command that gives it again."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.comparisons import FoundComparison
from app.display.downloads import offer_command, offer_file
from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.data import comparison_csv, comparison_json
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.text import markdown_page


def offer_comparison(found: FoundComparison) -> None:
    """All tables in four forms, each made when it is asked for; and the command."""
    comparison = found.comparison
    st.markdown("##### To take away")
    row = st.container(horizontal=True)
    with row:
        offer_file("CSV", f"{file_stem(found)}.csv", partial(comparison_csv, comparison))
        offer_file("Markdown", f"{file_stem(found)}.md", partial(markdown_page, comparison))
        offer_file("HTML", f"{file_stem(found)}.html", partial(comparison_page, comparison, {}))
        offer_file("JSON", f"{file_stem(found)}.json", partial(comparison_json, comparison))
    st.caption("The command that gives this comparison; what is there already is not trained again.")
    offer_command(comparison_command(comparison, output=str(found.output)))


def file_stem(found: FoundComparison) -> str:
    """What its files are called."""
    return f"comparison-{found.output.name}"
