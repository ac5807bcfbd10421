"""The charts of Explore: for each method its scores in-distribution beside shifted, and a slider over the strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app.controls.selection import bars_of, select_bars
from app.display.components import PAGE, component
from app.display.histograms import footnote, shared_axes
from app.display.provenance import describe_n
from app.methods import REVERSE_DISTILLATION, YARDSTICKS
from app.scoring import DomainResult, ScoringResult
from app.words import interval
from gnl_core.names import DETECTOR_NAMES, name_of
from gnl_core.plots.histograms import histogram_shares
from gnl_core.plots.scrubber import Axes
from gnl_core.plots.style import LABEL_COLOURS
from gnl_core.records import Scores

NAMES, FIGURES = 2.6, 8.4  # column widths: methods on the left, charts on the right
THREE = (NAMES, FIGURES / 2, FIGURES / 2)  # below the charts
CSS = (f"{PAGE}/histogram.css", "histograms.css")
PANELS = '<div class="panels"></div><p class="unseen" role="status"></p>'
SLIDER = (
    '<label>Charts at FDM strength α = <output></output><input type="range" min="0" step="1"></label>'
    '<div class="steps" aria-hidden="true"></div>'
)
DECIMALS = 4  # of a bar's height


def describe_kind(detector: str) -> str:
    """Return a note for below the name of a method that needs no training."""
    return "  \n:gray[:small[needs no training]]" if detector in YARDSTICKS else ""


def draw_figures(
    places: Sequence[DeltaGenerator],
    strengths: Mapping[float, list[ScoringResult]],
    *,
    shown: float,
    titles: tuple[str, str],
    sides: tuple[str, str],
) -> None:
    """Draw a pair of histograms for each method, and below them a slider over all scored strengths.

    Args:
        places: A container for each method, and one for the slider.
        strengths: The methods' results by strength of matching, weakest first.
        shown: The strength that is shown initially.
        titles: Headings of the in-distribution and of the shifted domain.
        sides: Their labels in the gallery, which shows the images of selected bars.
    """
    *rows, below = places
    every = [result for at_strength in strengths.values() for result in at_strength]
    scrubbed = {"strengths": tuple(strengths), "shown": shown}
    scripts = (f"{PAGE}/histogram.js", "strength.js", "histograms.js")
    draw = component("histograms", html=PANELS, css=CSS, js=scripts)
    for row, method in zip(rows, zip(*strengths.values(), strict=True), strict=True):
        detector = method[0].request.checkpoint.config.detector
        key = f"histograms_{detector}"
        with row:
            draw(
                key=key,
                data=scrubbed | {"titles": titles} | describe_method(method, every),
                on_selected_change=partial(select_bars, key, detector, sides),
            )
    if len(strengths) > 1:
        with below:
            component("slider", html=SLIDER, css=CSS, js=("strength.js", "slider.js"))(key="slider", data=scrubbed)


def describe_method(method: Sequence[ScoringResult], every: list[ScoringResult]) -> dict[str, Any]:
    """Collect what the browser draws of a method, in tuples: to look into lists, Streamlit first imports pandas.

    Args:
        method: Its results, one per strength; all alike for a method that does not match.
        every: All results on the page, with which its scores may share an axis.
    """
    detector = method[0].request.checkpoint.config.detector
    bars = bars_of(detector)
    return {
        "name": name_of(DETECTOR_NAMES, detector),
        "panels": tuple(describe_panel(method, every, shifted=shifted) for shifted in (False, True)),
        "selected": (bars.model_dump(),) if bars else (),
    }


def describe_panel(method: Sequence[ScoringResult], every: list[ScoringResult], *, shifted: bool) -> dict[str, Any]:
    """Collect what the browser draws of a method's scores in one domain."""
    axes = shared_axes(comparable_scores(method[0], every, shifted=shifted))
    states = [describe_state(result, axes, shifted=shifted) for result in method]
    changes = any(state != states[0] for state in states)
    return {
        "edges": axes.edges.tolist(),
        "top": axes.tallest,
        "states": states if changes else states[:1],
        "count": describe_n((method[0].shifted if shifted else method[0].in_distribution).report),
    }


def describe_state(result: ScoringResult, axes: Axes, *, shifted: bool) -> dict[str, Any]:
    """Collect what changes with the strength: bars, threshold and metrics."""
    domain = result.shifted if shifted else result.in_distribution
    labels, scores = domain.scores.label, domain.scores.score
    return {
        "shares": [to_shares(scores[labels == label], axes.edges) for label in LABEL_COLOURS],
        "threshold": result.shifted_threshold if shifted else result.threshold,
        "auroc": auroc_words(domain),
        "interval": interval(domain.report.auroc_interval),
        "errors": footnote(domain),
    }


def to_shares(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> list[float]:
    """Compute the heights of a label's bars."""
    return histogram_shares(scores, edges).round(DECIMALS).tolist()


def auroc_words(domain: DomainResult) -> str:
    """Return the AUROC in words."""
    if domain.report.n_unlabelled:
        return "not labelled: no AUROC"
    return "no AUROC" if domain.report.auroc is None else f"AUROC {domain.report.auroc:.3f}"


def comparable_scores(result: ScoringResult, results: list[ScoringResult], *, shifted: bool = False) -> list[Scores]:
    """Collect all scores on the page that are comparable with this method's in one domain, including its own."""
    scale = scale_of(result, shifted=shifted)
    return [
        (other.shifted if side else other.in_distribution).scores
        for other in results
        for side in (False, True)
        if scale_of(other, shifted=side) == scale
    ]


def scale_of(result: ScoringResult, *, shifted: bool) -> tuple[str, bool]:
    """Name the scale of a method's scores in one domain.

    All reverse-distillation methods share one, any other has its own; standardised maps have another unit.
    """
    detector = result.request.checkpoint.config.detector
    standardised = shifted and result.adapted is not None and result.adapted.found.ways.standardise
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector, standardised
