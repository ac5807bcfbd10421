"""The rows of Explore: a method's name and checkpoint, and its scores in-distribution beside shifted."""

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

NAMES, FIGURES = 2.6, 8.4  # widths of what stands left of the figures, and of these


def describe_kind(detector: str) -> str:
    """What has to be known of a method beside its name."""
    return "  \n:gray[:small[trains nothing]]" if detector in YARDSTICKS else ""


def draw_figures(
    strengths: Mapping[float, list[ScoringResult]], *, shown: float, titles: tuple[str, str], sides: tuple[str, str]
) -> None:
    """A pair of histograms for each method, at every strength at which all scores are there.

    Args:
        strengths: The methods' answers by strength of matching, weakest first.
        shown: The strength that is drawn at first.
        titles: Headings of the in-distribution and of the shifted domain.
        sides: What they are called in the gallery, which selected bars fill.
    """
    results = strengths[shown]
    detectors = [found.request.checkpoint.config.detector for found in results]
    every = [found for at_strength in strengths.values() for found in at_strength]
    figure = scrub_histograms(
        {strength: [draw_row(found, titles) for found in at_strength] for strength, at_strength in strengths.items()},
        [shared_axes(comparable_scores(found, every)) for found in results],
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


def describe_row(found: ScoringResult) -> str:
    """A method's histograms for those who do not see them."""
    both = {"In-distribution": found.in_distribution, "Shifted": found.shifted}
    told = (f"{side.lower()}: {auroc_words(domain)}, {footnote(domain)}" for side, domain in both.items())
    return f"{found.request.title}, {'; '.join(told)}."


def auroc_words(found: DomainResult) -> str:
    """The AUROC in words, or that there is none."""
    return "no AUROC" if found.report.auroc is None else f"AUROC {found.report.auroc:.3f}"


def comparable_scores(found: ScoringResult, results: list[ScoringResult]) -> list[Scores]:
    """The scores of all methods on the page whose scores are on the scale of this one's, its own among them."""
    kind = scale_of(found)
    return [
        domain.scores
        for other in results
        if scale_of(other) == kind
        for domain in (other.in_distribution, other.shifted)
    ]


def scale_of(found: ScoringResult) -> str:
    """Scores of one scale can stand on one axis: all reverse distillation's, else only a method's own."""
    detector = found.request.checkpoint.config.detector
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector
