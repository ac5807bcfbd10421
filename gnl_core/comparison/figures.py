"""Draw score histograms of two methods as in the supplement's Figure 1, per class and shift."""

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
from gnl_core.records import Scores
from gnl_core.runs.scores import read_saved_scores, select_scores

MARK = ":"


class Picture(NamedTuple):
    """One figure, as the bytes of two image files."""

    caption: str
    svg: bytes
    png: bytes


def parse_method(text: str, cells: Sequence[GridCell]) -> Method:
    """Parse "gnl:1", a method at a strength, or "gnl", at its own strength if compared, else at the last one.

    Raises:
        ValueError: If the method is not part of the comparison.
    """
    methods = [method_of(cell, scoring.style_weight) for cell in cells for scoring in cell.scorings]
    choices = {method_name(method): method for method in methods}
    if text in choices:
        return choices[text]
    any_strength = [method for method in choices.values() if method.detector == text]
    if not any_strength:
        raise ValueError(f"{text!r} is not part of the comparison; choose two of: {', '.join(choices)}")
    own = Method(text, find_method(text).style_weight)
    return own if own in any_strength else any_strength[-1]


def method_name(method: Method) -> str:
    """Return a method's name as parsed by `parse_method`."""
    return method.detector if method.style_weight is None else f"{method.detector}{MARK}{method.style_weight:g}"


def draw_pictures(comparison: Comparison, cells: Sequence[GridCell], methods: Sequence[Method]) -> Iterator[Picture]:
    """Draw a figure per class and shift from the first seed's scores, skipping missing scores."""
    from gnl_core.plots.score_panels import render, score_panels  # noqa: PLC0415 (matplotlib takes a second to import)

    base, seed = comparison.in_distribution, comparison.seeds[0]
    for normal_class in comparison.classes:
        runs = [cell for cell in cells if (cell.config.normal_class, cell.config.seed) == (normal_class, seed)]
        scores = {method: read_method_scores(runs, method) for method in methods}
        for shifted in comparison.domains:
            if shifted == base or not all({base, shifted} <= by_domain.keys() for by_domain in scores.values()):
                continue
            figure = score_panels(
                [
                    [make_panel(by_domain[domain], method, shifted=domain != base) for domain in (base, shifted)]
                    for method, by_domain in scores.items()
                ]
            )
            caption = f"{comparison.config.dataset} {normal_class}, {shifted}, seed {seed}"
            yield Picture(caption, svg=render(figure, ending="svg"), png=render(figure, ending="png"))


def read_method_scores(runs: Sequence[GridCell], method: Method) -> dict[str, Scores]:
    """Read a method's saved scores per domain at its strength, without domains that have scores that are not finite."""
    for cell in runs:
        rows = read_saved_scores(cell.folder) if cell.config.detector == method.detector else None
        for scoring in cell.scorings if rows is not None else ():
            if rows is not None and method_of(cell, scoring.style_weight) == method:
                by_domain = {domain: select_scores(rows, domain=domain, scoring=scoring) for domain in cell.domains}
                return {
                    domain: scores
                    for domain, scores in by_domain.items()
                    if scores is not None and all_finite(scores.score)
                }
    return {}


def make_panel(scores: Scores, method: Method, *, shifted: bool) -> Panel:
    """Return one histogram with the method's name, AUROC and number of images."""
    value = auroc(scores.label, scores.score)
    return Panel(
        scores=scores,
        shifted=shifted,
        title=str(scores.domain[0]),
        note="" if value is None else f"AUROC {value:.3f}, n = {len(scores.score)}",
        footnote=describe_method(method),
    )


def describe_method(method: Method) -> str:
    """Return the method and its strength of matching as a label."""
    if not method.style_weight:
        return method.detector if method.style_weight is None else f"{method.detector} without FDM"
    return f"{method.detector}, alpha = {method.style_weight:g}"
