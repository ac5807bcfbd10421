"""The rows of Explore: a method's name and checkpoint, and its scores in-distribution beside shifted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Literal

import streamlit as st

from app.answers import Answer, DomainAnswer
from app.cache import Checkpoint
from app.methods import DETECTOR_NAMES, REVERSE_DISTILLATION, YARDSTICKS
from app.screens.explore_selection import select_bars
from app.words import interval, name_of, percent
from gnl_core.plots.histograms import Panel, shared_edges, tallest_share
from gnl_core.plots.scrubber import Axes, Row, read_selection, scrub_histograms
from gnl_core.records import Scores

NAMES, FIGURES = 2.6, 8.4  # widths of what stands left of the figures, and of these


def choose_checkpoint(detector: str, checkpoints: list[Checkpoint]) -> Checkpoint:
    """One of a method's checkpoints; the only one is named and not asked for."""
    own = [checkpoint for checkpoint in checkpoints if checkpoint.config.detector == detector]
    if len(own) == 1:
        st.caption(describe_checkpoint(own[0]))
        return own[0]
    return select_checkpoint(detector, own, label="collapsed")


def select_checkpoint(
    detector: str, own: list[Checkpoint], *, label: Literal["visible", "collapsed"] = "visible"
) -> Checkpoint:
    """The select box of a method's checkpoints; its label can be left out where the method's name stands above."""
    options = {checkpoint.folder.path.name: checkpoint for checkpoint in own}
    chosen = st.selectbox(
        f"Checkpoint of {name_of(DETECTOR_NAMES, detector)}",
        list(options),
        format_func=lambda key: describe_checkpoint(options[key]),
        key=f"run_{detector}",
        bind="query-params",
        label_visibility=label,
    )
    return options[chosen]


def describe_checkpoint(checkpoint: Checkpoint) -> str:
    """A checkpoint in a few words."""
    config = checkpoint.config
    height, width = config.image_size
    size = f"{height} px" if height == width else f"{height}×{width} px"
    return f"{size}, seed {config.seed}, {'bundled' if checkpoint.bundled else written_at(checkpoint)}"


def written_at(checkpoint: Checkpoint) -> str:
    """When a run of one's own was written."""
    return time.strftime("%d %b %H:%M", time.localtime(checkpoint.folder.weights.stat().st_mtime))


def describe_kind(detector: str) -> str:
    """What has to be known of a method beside its name."""
    return "  \n:gray[:small[trains nothing]]" if detector in YARDSTICKS else ""


def draw_figures(
    strengths: Mapping[float, list[Answer]], *, shown: float, titles: tuple[str, str], sides: tuple[str, str]
) -> None:
    """A pair of histograms for each method, at every strength at which all scores are there.

    Args:
        strengths: The methods' answers by strength of matching, weakest first.
        shown: The strength that is drawn at first.
        titles: Headings of the in-distribution and of the shifted domain.
        sides: What they are called in the gallery, which selected bars fill.
    """
    answers = strengths[shown]
    detectors = [found.question.checkpoint.config.detector for found in answers]
    every = [found for at_strength in strengths.values() for found in at_strength]
    figure = scrub_histograms(
        {strength: [draw_row(found, titles) for found in at_strength] for strength, at_strength in strengths.items()},
        [shared_axes(comparable_scores(found, every)) for found in answers],
        shown=shown,
    )
    st.plotly_chart(
        figure,
        key="figures",
        on_select=partial(select_bars, partial(read_selection, figure), detectors, sides),
        selection_mode="box",
        config={"displayModeBar": False},
        alt="Score histograms. " + " ".join(map(describe_row, answers)),
    )


def draw_row(found: Answer, titles: tuple[str, str]) -> Row:
    """One method's pair of histograms."""
    return Row(
        (
            panel(found.in_distribution, shifted=False, title=titles[0]),
            panel(found.shifted, shifted=True, title=titles[1]),
        ),
        found.threshold,
    )


def shared_axes(scores: list[Scores]) -> Axes:
    """Axes on which several sets of scores can be compared."""
    edges = shared_edges(scores)
    return Axes(edges, tallest_share(scores, edges))


def describe_row(found: Answer) -> str:
    """A method's histograms for those who do not see them."""
    both = {"In-distribution": found.in_distribution, "Shifted": found.shifted}
    told = (f"{side.lower()}: {auroc_words(domain)}, {footnote(domain)}" for side, domain in both.items())
    return f"{found.question.title}, {'; '.join(told)}."


def auroc_words(found: DomainAnswer) -> str:
    """The AUROC in words, or that there is none."""
    return "no AUROC" if found.report.auroc is None else f"AUROC {found.report.auroc:.3f}"


def comparable_scores(found: Answer, answers: list[Answer]) -> list[Scores]:
    """The scores of all methods on the page whose scores are on the scale of this one's, its own among them."""
    kind = scale_of(found)
    return [
        domain.scores
        for other in answers
        if scale_of(other) == kind
        for domain in (other.in_distribution, other.shifted)
    ]


def scale_of(found: Answer) -> str:
    """Scores of one scale can stand on one axis: all reverse distillation's, else only a method's own."""
    detector = found.question.checkpoint.config.detector
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector


def panel(found: DomainAnswer, *, shifted: bool, title: str) -> Panel:
    """A histogram with its AUROC and its mistakes."""
    auroc = "" if found.report.auroc is None else f"AUROC <b>{found.report.auroc:.3f}</b>"
    bounds = f" <span style='font-size:11px'>{interval(found.report.auroc_interval)}</span>"
    note = "not labelled: no AUROC" if found.report.n_unlabelled else auroc + bounds
    return Panel(found.scores, shifted=shifted, title=title, note=note, footnote=footnote(found))


def footnote(found: DomainAnswer) -> str:
    """What the threshold does in a domain."""
    rates = {"false alarms": found.report.false_alarm_rate, "misses": found.report.miss_rate}
    mistakes = [f"{name} {percent(rate)}" for name, rate in rates.items() if rate is not None]
    return ", ".join(mistakes) or f"{found.above:,} of {len(found.scores.score):,} above the threshold"
