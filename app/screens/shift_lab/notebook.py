"""Shift lab as a notebook: each method's scores at every severity, and AUROC and shift score against severity."""

from __future__ import annotations

from collections.abc import Sequence

from app.controls.view import View
from app.display.notebook import (
    Cell,
    adapt_call,
    dictionary,
    load_line,
    method_cell,
    opening_cells,
    run_variable,
    score_call,
    write_notebook,
)
from app.screens.shift_lab.numbers import MethodCurves, ScoredCurve, corruption_of, severity_domains
from gnl_core.names import corruption_name
from gnl_core.runs.adapted_scores import TrayChoice

CHART = """\
def chart(metric):
    figure = go.Figure(layout={"xaxis_title": "severity", "yaxis_title": metric})
    for name, reports in curves.items():
        values = [getattr(reports[domain], metric) for domain in domains.values()]
        figure.add_scatter(x=list(domains), y=values, name=name)
    return figure


chart("auroc")"""
SEPARATELY = (
    "Each severity is adapted to separately. Adapting in the way `none` changes no score; it only leaves out the same "
    "images, so that both curves are of equal images."
)


def shift_lab_notebook(view: View, methods: Sequence[MethodCurves]) -> str:
    """Write the notebook.

    Args:
        view: The page's view.
        methods: The methods' curves, as far as they are known.
    """
    cells = opening_cells(
        view,
        "Shift lab",
        [method.off.request.checkpoint for method in methods],
        shift=corruption_name(corruption_of(view)),
        imports="import plotly.graph_objects as go",
        lines=f"{dictionary('domains', severity_domains(view))}\ncurves = {{}}",
    )
    for method in methods:
        cells += method_cells(method)
    return write_notebook([*cells, Cell("code", CHART), Cell("code", 'chart("shift_score")')])


def method_cells(method: MethodCurves) -> list[Cell]:
    """Write the cells that load a method and compute its curves."""
    cells = [method_cell(method.off.request), Cell("code", load_line(method.off.request.checkpoint))]
    choice = next((line.choice for line in method.lines if line.choice), None)
    if choice is None:
        return [*cells, *(Cell("code", scored_source(line)) for line in method.lines)]
    adapted = [Cell("code", adapted_source(line, choice)) for line in method.lines]
    return [*cells, Cell("markdown", SEPARATELY), *adapted]


def scored_source(line: ScoredCurve) -> str:
    """Write the lines that score all severities."""
    scored = f"result = {score_call(line.request, 'list(domains.values())')}"
    return f"{scored}\ncurves[{line.title!r}] = result.report.domains\nresult"


def adapted_source(line: ScoredCurve, choice: TrayChoice) -> str:
    """Write the lines that adapt to each severity and score its other images; a curve without adapting stays as is."""
    way = {} if line.choice else {"way": "none"}
    return "\n".join(
        (
            f"curves[{line.title!r}] = {{}}",
            "for domain in domains.values():",
            f"    adaptation = {adapt_call(line.request, choice, 'domain', **way)}",
            f"    result = gnl.score({run_variable(line.request.checkpoint)}, domain, adaptation=adaptation)",
            f"    curves[{line.title!r}] |= result.report.domains",
        )
    )
