"""The rows of Explore: a method's name and checkpoint, and its scores in-distribution beside shifted."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.answers import Answer, DomainAnswer
from app.cache import Checkpoint
from app.methods import DETECTOR_NAMES, REVERSE_DISTILLATION, YARDSTICKS
from app.words import interval, name_of, percent
from gnl_core.plots.histograms import Panel, score_histogram, shared_edges, tallest_share
from gnl_core.records import Scores

ROW = (2.6, 4.2, 4.2)  # name, in-distribution, shifted


def choose_checkpoint(detector: str, checkpoints: list[Checkpoint]) -> Checkpoint:
    """One of a method's checkpoints; the only one is named and not asked for."""
    options = {c.folder.path.name: c for c in checkpoints if c.config.detector == detector}
    if len(options) == 1:
        (only,) = options.values()
        st.caption(describe_checkpoint(only))
        return only
    chosen = st.selectbox(
        f"Checkpoint of {name_of(DETECTOR_NAMES, detector)}",
        list(options),
        format_func=lambda key: describe_checkpoint(options[key]),
        key=f"run_{detector}",
        bind="query-params",
        label_visibility="collapsed",
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


def draw_figures(rows: Sequence[Sequence[DeltaGenerator]], answers: list[Answer], *, titles: tuple[str, str]) -> None:
    """A pair of histograms for each method; methods whose scores mean the same share their axes.

    Args:
        rows: For each method the places of its two histograms.
        answers: The methods' scores.
        titles: Headings of the in-distribution and of the shifted domain.
    """
    for places, found in zip(rows, answers, strict=True):
        scores = comparable_scores(found, answers)
        edges = shared_edges(scores)
        tallest = tallest_share(scores, edges)
        detector = found.question.checkpoint.config.detector
        panels = (
            panel(found.in_distribution, shifted=False, title=titles[0]),
            panel(found.shifted, shifted=True, title=titles[1]),
        )
        for place, drawn in zip(places, panels, strict=True):
            place.plotly_chart(
                score_histogram(drawn, edges=edges, tallest=tallest, threshold=found.threshold),
                key=f"histogram_{detector}_{'shifted' if drawn.shifted else 'id'}",
                config={"displayModeBar": False},
                alt=f"Score histogram of {found.question.title}. {drawn.title}: {drawn.footnote}.",
            )


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
