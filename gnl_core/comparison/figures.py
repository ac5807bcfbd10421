"""Score histograms of two methods of a comparison: the supplement's Figure 1, for each class and shift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import method_of
from gnl_core.comparison.records import Comparison, Method
from gnl_core.detectors import find_method
from gnl_core.finite import all_finite
from gnl_core.metrics.image import auroc
from gnl_core.plots.histograms import Panel
from gnl_core.plots.score_panels import render, score_panels
from gnl_core.records import Scores
from gnl_core.runs.scores import read_saved_scores, select_scores

MARK = ":"


class Picture(NamedTuple):
    """One figure, as the bytes of two image files."""

    caption: str
    svg: bytes
    png: bytes


def parse_method(text: str, cells: Sequence[GridCell]) -> Method:
    """Read "gnl:1", a method at a strength, or "gnl": at its own strength, else at the last that is asked for.

    Raises:
        ValueError: If it is not among those that are compared.
    """
    asked = [method_of(cell, scoring.style_weight) for cell in cells for scoring in cell.scorings]
    choices = {method_name(method): method for method in asked}
    if text in choices:
        return choices[text]
    at_any = [method for method in choices.values() if method.detector == text]
    if not at_any:
        raise ValueError(f"{text!r} is not compared, so it cannot be drawn; choose two of: {', '.join(choices)}")
    own = Method(text, find_method(text).style_weight)
    return own if own in at_any else at_any[-1]


def method_name(method: Method) -> str:
    """How `parse_method` reads it."""
    return method.detector if method.style_weight is None else f"{method.detector}{MARK}{method.style_weight:g}"


def draw_pictures(comparison: Comparison, cells: Sequence[GridCell], methods: Sequence[Method]) -> Iterator[Picture]:
    """Draw each class under each shift, with the first seed's scores; what was not scored is left out."""
    base, seed = comparison.in_distribution, comparison.seeds[0]
    for normal_class in comparison.classes:
        runs = [cell for cell in cells if (cell.config.normal_class, cell.config.seed) == (normal_class, seed)]
        scores = {method: read_method_scores(runs, method) for method in methods}
        for shifted in comparison.domains:
            if shifted == base or not all({base, shifted} <= found.keys() for found in scores.values()):
                continue
            figure = score_panels(
                [
                    [make_panel(found[domain], method, shifted=domain != base) for domain in (base, shifted)]
                    for method, found in scores.items()
                ]
            )
            caption = f"{comparison.config.dataset} {normal_class}, {shifted}, seed {seed}"
            yield Picture(caption, svg=render(figure, ending="svg"), png=render(figure, ending="png"))


def read_method_scores(runs: Sequence[GridCell], method: Method) -> dict[str, Scores]:
    """The scores of each domain that a method's run has, all of them finite, at the method's strength."""
    for cell in runs:
        rows = read_saved_scores(cell.folder) if cell.config.detector == method.detector else None
        for scoring in cell.scorings if rows is not None else ():
            if rows is not None and method_of(cell, scoring.style_weight) == method:
                found = {domain: select_scores(rows, domain=domain, scoring=scoring) for domain in cell.domains}
                return {
                    domain: scores
                    for domain, scores in found.items()
                    if scores is not None and all_finite(scores.score)
                }
    return {}


def make_panel(scores: Scores, method: Method, *, shifted: bool) -> Panel:
    """One histogram with the method's name, its AUROC and the number of images."""
    value = auroc(scores.label, scores.score)
    return Panel(
        scores=scores,
        shifted=shifted,
        title=str(scores.domain[0]),
        note="" if value is None else f"AUROC {value:.3f}, n = {len(scores.score)}",
        footnote=describe_method(method),
    )


def describe_method(method: Method) -> str:
    """The method and its strength of matching."""
    if not method.style_weight:
        return method.detector if method.style_weight is None else f"{method.detector} without FDM"
    return f"{method.detector}, alpha = {method.style_weight:g}"
