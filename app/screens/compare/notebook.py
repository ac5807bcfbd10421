"""Compare as a notebook: the call that trains and scores what is missing, and the table of means."""

from __future__ import annotations

from app.comparisons import ListedComparison
from app.display.notebook import HOW_TO_RUN, IMPORT, Cell, dictionary, write_notebook
from gnl_core.comparison.command import comparison_arguments
from gnl_core.tables import escape_markdown

NOT_AGAIN = "existing runs are not trained again"


def compare_notebook(listed: ListedComparison) -> str:
    """Write the notebook. The names of settings stay texts, too, since a comparison's file may hold any."""
    arguments = dictionary("arguments", comparison_arguments(listed.comparison))
    cells = [
        Cell("markdown", f"# Compare: {escape_markdown(listed.name)}\n\n{HOW_TO_RUN}"),
        Cell("code", f"{IMPORT}\n\n{arguments}"),
        Cell("markdown", f"This trains and scores what is missing; {NOT_AGAIN}."),
        Cell("code", f"comparison = gnl.compare({str(listed.output)!r}, **arguments)\ncomparison"),
    ]
    return write_notebook(cells)
