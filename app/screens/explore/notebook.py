"""Explore as a notebook: each method's scores in both domains, their metrics and their histograms."""

from __future__ import annotations

from collections.abc import Sequence

from app.controls.view import View
from app.display.notebook import (
    Cell,
    adapt_call,
    load_line,
    method_cell,
    opening_cells,
    run_variable,
    score_call,
    write_notebook,
)
from app.scoring import ScoringResult
from gnl_core.names import domain_name
from gnl_core.runs.adapted_scores import TrayChoice

ADAPTED = "Adapted to a few images of the shifted domain, which are left out of the numbers:"


def explore_notebook(view: View, results: Sequence[ScoringResult]) -> str:
    """Write the notebook.

    Args:
        view: The page's view.
        results: The methods on the page.
    """
    domains = f"in_distribution, shifted = {view.spec.in_distribution!r}, {view.shifted!r}"
    checkpoints = [result.request.checkpoint for result in results]
    cells = opening_cells(view, "Explore", checkpoints, shift=domain_name(view.shifted), lines=domains)
    for result in results:
        cells += [method_cell(result.request), *scored_cells(result)]
        if result.adapted:
            cells += adapted_cells(result, result.adapted.choice)
    return write_notebook(cells)


def scored_cells(result: ScoringResult) -> list[Cell]:
    """Write the cells that load and score a method."""
    name = result.request.checkpoint.config.detector
    scored = f"{name}_result = {score_call(result.request, '[in_distribution, shifted]')}"
    return [
        Cell("code", f"{load_line(result.request.checkpoint)}\n{scored}\n{name}_result"),
        Cell("code", f"gnl.show_histograms({name}_result)"),
    ]


def adapted_cells(result: ScoringResult, choice: TrayChoice) -> list[Cell]:
    """Write the cells that adapt a method and score the other images."""
    name, run = result.request.checkpoint.config.detector, run_variable(result.request.checkpoint)
    adapt = f"{name}_adaptation = {adapt_call(result.request, choice, 'shifted')}"
    score = f"{name}_adapted = gnl.score({run}, shifted, adaptation={name}_adaptation)"
    return [
        Cell("markdown", ADAPTED),
        Cell("code", f"{adapt}\n{name}_adaptation"),
        Cell("code", f"{score}\n{name}_adapted"),
        Cell("code", f"gnl.show_histograms({name}_adapted)"),
    ]
