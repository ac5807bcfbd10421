"""Compare as a notebook: the call that trains and scores what is missing, and the table of means."""

from __future__ import annotations

from pathlib import Path

from app import PROJECT
from app.comparisons import ListedComparison
from app.display.notebook import HOW_TO_RUN, Cell, dictionary, folder_source, opening_code, write_notebook
from gnl_core.comparison.command import comparison_arguments
from gnl_core.config import PATHS
from gnl_core.tables import escape_markdown

NOT_AGAIN = "existing runs are not trained again"


LEFT_OUT = "Add your path of `{name}` to the arguments: the one of the machine that wrote this notebook is left out."


def output_folder(listed: ListedComparison) -> Path:
    """Return the comparison's folder; that of a bundled one is named as from the project's folder."""
    return PROJECT / listed.output


def compare_notebook(listed: ListedComparison) -> str:
    """Write the notebook. The names of settings stay texts, too, since a comparison's file may hold any."""
    arguments = comparison_arguments(listed.comparison)
    shared = {name: value for name, value in arguments.items() if name not in PATHS}
    left_out = "".join(f" {LEFT_OUT.format(name=name)}" for name in arguments if name in PATHS)
    cells = [
        Cell("markdown", f"# Compare: {escape_markdown(listed.name)}\n\n{HOW_TO_RUN}{left_out}"),
        opening_code([output_folder(listed)], lines=dictionary("arguments", shared)),
        Cell("markdown", f"This trains and scores what is missing; {NOT_AGAIN}."),
        Cell("code", f"comparison = gnl.compare({folder_source(output_folder(listed))}, **arguments)\ncomparison"),
    ]
    return write_notebook(cells)
