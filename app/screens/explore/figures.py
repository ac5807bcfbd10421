"""The charts of Explore: a row for each method, with its scores in-distribution beside shifted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from app.controls.selection import select_bars
from app.display.histograms import draw_row, footnote, shared_axes
from app.methods import REVERSE_DISTILLATION, YARDSTICKS
from app.scoring import DomainResult, ScoringResult
from gnl_core.plots.scrubber import read_selection, scrub_histograms
from gnl_core.records import Scores

NAMES, FIGURES = 2.6, 8.4  # column widths: methods on the left, charts on the right
THREE = (NAMES, FIGURES / 2, FIGURES / 2)  # below the charts


def describe_kind(detector: str) -> str:
    """Return a note for below the name of a method that needs no training."""
    return "  \n:gray[:small[needs no training]]" if detector in YARDSTICKS else ""


def draw_figures(
    strengths: Mapping[float, list[ScoringResult]], *, shown: float, titles: tuple[str, str], sides: tuple[str, str]
) -> None:
    """Draw a pair of histograms for each method, with a slider over all scored strengths.

    Args:
        strengths: The methods' results by strength of matching, weakest first.
        shown: The strength that is shown initially.
        titles: Headings of the in-distribution and of the shifted domain.
        sides: Their labels in the gallery, which shows the images of selected bars.
    """
    results = strengths[shown]
    detectors = [result.request.checkpoint.config.detector for result in results]
    every = [result for at_strength in strengths.values() for result in at_strength]
    figure = scrub_histograms(
        {strength: [draw_row(result, titles) for result in at_strength] for strength, at_strength in strengths.items()},
        [
            (shared_axes(comparable_scores(result, every)), shared_axes(comparable_scores(result, every, shifted=True)))
            for result in results
        ],
        shown=shown,
    )
    st.plotly_chart(
        figure,
        key="figures",
        on_select=partial(select_bars, partial(read_selection, figure), detectors, sides),
        selection_mode="box",
        config={"displayModeBar": False},
        alt="Score histograms. " + " ".join(map(describe_row, results)),
    )


def describe_row(result: ScoringResult) -> str:
    """Describe a method's histograms as alternative text."""
    shifted = f"adapted to {result.adapted.choice.size} images" if result.adapted else "shifted"
    both = {"in-distribution": result.in_distribution, shifted: result.shifted}
    sides = (f"{side}: {auroc_words(domain)}, {footnote(domain)}" for side, domain in both.items())
    return f"{result.request.title}, {'; '.join(sides)}."


def auroc_words(result: DomainResult) -> str:
    """Return the AUROC in words."""
    return "no AUROC" if result.report.auroc is None else f"AUROC {result.report.auroc:.3f}"


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
