"""A view as a Jupyter notebook: its file, and the code that the notebooks of several pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import streamlit as st

from app import PROJECT
from app.checkpoints import Checkpoint
from app.controls.view import View
from app.display.provenance import settings_of_adaptation, settings_of_scores
from app.scoring import ScoringRequest
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, name_of
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.strict_json import to_json
from gnl_core.tables import escape_markdown

HELP = "A Jupyter notebook that computes this view again."
MIME = "application/x-ipynb+json"
HOW_TO_RUN = (
    "Save this notebook in the project's folder and open it there with `make notebooks`: paths are relative to that "
    "folder."
)
IMPORT = "import gnl_core as gnl"
RUNS_IMPORTS = "import os\nfrom pathlib import Path"
RUNS = 'RUNS = Path(os.environ.get("GNL_RUNS", "runs"))  # change this if your runs are in another folder'


class Cell(NamedTuple):
    """A cell of a notebook: its kind and its Markdown or Python source."""

    kind: Literal["markdown", "code"]
    source: str


def offer_notebook(stem: str, make: Callable[[], str]) -> None:
    """Draw a button that downloads a notebook, which is written when the button is pressed."""
    file_name = f"{stem}.ipynb"
    st.download_button(
        "Notebook", make, file_name=file_name, mime=MIME, on_click="ignore", key=f"save_{file_name}", help=HELP
    )


def write_notebook(cells: Sequence[Cell]) -> str:
    """Write cells, none of which has run, in Jupyter's format 4.5."""
    content = {
        "cells": [cell_fields(cell, number) for number, cell in enumerate(cells, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return f"{to_json(content, indent=1)}\n"


def cell_fields(cell: Cell, number: int) -> dict[str, object]:
    """Return a cell as the format has it."""
    fields = {
        "cell_type": cell.kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": cell.source.splitlines(keepends=True),
    }
    return fields | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def opening_cells(  # noqa: PLR0913 (what a notebook begins with, by keyword)
    view: View, page: str, checkpoints: Sequence[Checkpoint], *, shift: str, imports: str = "", lines: str = ""
) -> list[Cell]:
    """Begin a notebook with what it shows, how to run it, and its imports.

    Args:
        view: The page's view.
        page: The page's title.
        checkpoints: The runs that it loads.
        shift: The shift in words.
        imports: Imports besides that of gnl.
        lines: Lines that follow the imports in their cell.
    """
    normal = [] if view.own else [f"{view.normal_class} is normal"]
    shown = ", ".join([name_of(DATASET_NAMES, view.dataset), *normal, shift])
    title = Cell("markdown", f"# {page}: {escape_markdown(shown)}\n\n{HOW_TO_RUN}")
    return [title, opening_code([checkpoint.folder.path for checkpoint in checkpoints], imports=imports, lines=lines)]


def opening_code(folders: Sequence[Path], *, imports: str = "", lines: str = "") -> Cell:
    """Write the imports, and the folder of the runs if any of the notebook's folders is not the project's."""
    outside = any(not folder.is_relative_to(PROJECT) for folder in folders)
    first = [RUNS_IMPORTS, imports] if outside else [imports]
    return Cell("code", "\n\n".join(part for part in (*first, IMPORT, RUNS if outside else "", lines) if part))


def folder_source(folder: Path) -> str:
    """Write a folder of runs as an expression that says nothing about where this machine keeps them."""
    if folder.is_relative_to(PROJECT):
        return repr(str(folder.relative_to(PROJECT)))
    return f"RUNS / {folder.name!r}"


def method_cell(request: ScoringRequest) -> Cell:
    """Write the heading of a method's cells."""
    return Cell("markdown", f"## {escape_markdown(name_of(DETECTOR_NAMES, request.checkpoint.config.detector))}")


def dictionary(name: str, values: Mapping[Any, object]) -> str:
    """Write the assignment of a dictionary of literals, one per line."""
    return "\n".join([f"{name} = {{", *(f"    {key!r}: {value!r}," for key, value in values.items()), "}"])


def call(function: str, *words: str, **settings: object) -> str:
    """Write a call: words stand as they are, settings become literals."""
    return f"{function}({', '.join([*words, *(f'{name}={value!r}' for name, value in settings.items())])})"


def run_variable(checkpoint: Checkpoint) -> str:
    """Return the variable that holds a method's run; a view has one run per method."""
    return f"{checkpoint.config.detector}_run"


def load_line(checkpoint: Checkpoint) -> str:
    """Write the line that loads a run, whose settings say where its images are."""
    return f"{run_variable(checkpoint)} = {call('gnl.load', folder_source(checkpoint.folder.path))}"


def score_call(request: ScoringRequest, domains: str) -> str:
    """Write the call that scores domains, an expression, as requested."""
    checkpoint, scoring = request
    return call("gnl.score", run_variable(checkpoint), domains, **settings_of_scores(checkpoint, scoring))


def adapt_call(request: ScoringRequest, choice: TrayChoice, domain: str, **settings: object) -> str:
    """Write the call that adapts a run to a domain, an expression."""
    checkpoint, scoring = request
    settings = settings_of_adaptation(checkpoint, scoring, choice) | settings
    return call("gnl.adapt", run_variable(checkpoint), f"domain={domain}", **settings)
