"""The rows of Explore: a method's name and checkpoint, and its scores in-distribution beside shifted."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app.answers import Answer, DomainAnswer
from app.cache import Checkpoint
from app.methods import DETECTOR_NAMES, YARDSTICKS
from app.words import domain_name, interval, name_of, percent
from gnl_core.datasets import TRAIN
from gnl_core.plots.histograms import Panel, score_histogram, shared_edges, tallest_share

ROW = (2, 4.5, 4.5)  # name, in-distribution, shifted


def choose_checkpoint(detector: str, checkpoints: list[Checkpoint]) -> Checkpoint:
    """One of a method's checkpoints."""
    options = {c.folder.path.name: c for c in checkpoints if c.config.detector == detector}
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


def draw_figures(rows: list[list[Any]], answers: list[Answer], *, domains: tuple[str, str]) -> None:
    """A pair of histograms for each method, all on the same axes.

    Args:
        rows: For each method the places of its two histograms.
        answers: The methods' scores.
        domains: Names of the in-distribution and of the shifted domain.
    """
    scores = [domain.scores for found in answers for domain in (found.in_distribution, found.shifted)]
    edges = shared_edges(scores)
    tallest = tallest_share(scores, edges)
    for places, found in zip(rows, answers, strict=True):
        panels = (
            panel(found.in_distribution, shifted=False, title=domain_title(domains[0], "in-distribution")),
            panel(found.shifted, shifted=True, title=domain_title(domains[1], "shifted")),
        )
        for place, drawn in zip(places, panels, strict=True):
            place.plotly_chart(
                score_histogram(drawn, edges=edges, tallest=tallest, threshold=found.threshold),
                key=f"histogram_{found.question.checkpoint.config.detector}_{'shifted' if drawn.shifted else 'id'}",
                config={"displayModeBar": False},
                alt=f"Score histogram of {found.question.title}. {drawn.title}: {drawn.footnote}.",
            )


def panel(found: DomainAnswer, *, shifted: bool, title: str) -> Panel:
    """A histogram with its AUROC and its mistakes."""
    unlabelled = found.false_alarms is None and found.misses is None
    auroc = "" if found.report.auroc is None else f"AUROC <b>{found.report.auroc:.3f}</b>"
    bounds = f" <span style='font-size:11px'>{interval(found.report.auroc_interval)}</span>"
    note = "not labelled: no AUROC" if unlabelled else auroc + bounds
    return Panel(found.scores, shifted=shifted, title=title, note=note, footnote=footnote(found))


def footnote(found: DomainAnswer) -> str:
    """What the threshold does in a domain."""
    mistakes = []
    if found.false_alarms is not None:
        mistakes.append(f"false alarms {percent(found.false_alarms)}")
    if found.misses is not None:
        mistakes.append(f"misses {percent(found.misses)}")
    return ", ".join(mistakes) or f"{found.above:,} of {len(found.scores.score):,} above the threshold"


def domain_title(domain: str, side: str) -> str:
    """A panel's heading."""
    name = domain_name(domain)
    return f"{name[0].upper()}{name[1:]} ({side})" if domain != TRAIN else "Your normal images"
