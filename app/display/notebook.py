"""A view as a Jupyter notebook: its file, and the code that the notebooks of several pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import streamlit as st

from app.checkpoints import Checkpoint
from app.controls.view import View
from app.display.provenance import root_flag, settings_of_adaptation, settings_of_scores, shown_path
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


def opening_cells(view: View, page: str, *, shift: str, imports: str = "", lines: str = "") -> list[Cell]:
    """Begin a notebook with what it shows, how to run it, and its imports.

    Args:
        view: The page's view.
        page: The page's title.
        shift: The shift in words.
        imports: Imports besides that of gnl.
        lines: Lines that follow the imports in their cell.
    """
    normal = [] if view.own else [f"{view.normal_class} is normal"]
    shown = ", ".join([name_of(DATASET_NAMES, view.dataset), *normal, shift])
    title = Cell("markdown", f"# {page}: {escape_markdown(shown)}\n\n{HOW_TO_RUN}")
    return [title, Cell("code", "\n\n".join(part for part in (imports, IMPORT, lines) if part))]


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


def load_line(view: View, checkpoint: Checkpoint) -> str:
    """Write the line that loads a run."""
    places = {name: str(path) for name, path in root_flag(view).items()}
    return f"{run_variable(checkpoint)} = {call('gnl.load', repr(shown_path(checkpoint.folder)), **places)}"


def score_call(request: ScoringRequest, domains: str) -> str:
    """Write the call that scores domains, an expression, as requested."""
    checkpoint, scoring = request
    return call("gnl.score", run_variable(checkpoint), domains, **settings_of_scores(checkpoint, scoring))


def adapt_call(request: ScoringRequest, choice: TrayChoice, domain: str, **settings: object) -> str:
    """Write the call that adapts a run to a domain, an expression."""
    checkpoint, scoring = request
    settings = settings_of_adaptation(checkpoint, scoring, choice) | settings
    return call("gnl.adapt", run_variable(checkpoint), f"domain={domain}", **settings)
