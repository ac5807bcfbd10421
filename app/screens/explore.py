"""Explore: what a shift does to two detectors, and what matching feature distributions does about it."""

from __future__ import annotations

import time
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.answers import Answer, DomainAnswer, answer, ask
from app.cache import PROJECT, Checkpoint, list_checkpoints
from app.screens.explore_gallery import gallery
from app.screens.explore_training import training
from app.words import (
    AUROC_HELP,
    DATASET_NAMES,
    DETECTOR_NAMES,
    FDM_HELP,
    SHIFTED_HELP,
    TEACHER_NAMES,
    domain_name,
    interval,
    name_of,
    percent,
    signed,
    task_name,
)
from gnl_core.datasets import DATASETS
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES
from gnl_core.datasets.shifts import shifted_domain, split_domain
from gnl_core.plots.histograms import Panel, score_histogram, shared_edges, tallest_share

DETECTOR_ORDER = ("rd4ad", "gnl")  # what is improved stands above what improves it
MATCHED_AT_FIRST = ("gnl",)
BOTH = "both"
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
FIRST_CLASS = "4"
FIRST_SEVERITY = 3
ROW = (2, 4.5, 4.5)  # name, in-distribution, shifted


class View(NamedTuple):
    """What the page is about."""

    dataset: str
    normal_class: str
    shifted: str
    detectors: tuple[str, ...]


def page() -> None:
    """Draw the page from top to bottom."""
    view = choose_view()
    everything, problems = list_checkpoints()
    for problem in problems:
        st.warning(f"One run was left out: {problem}")
    task = (view.dataset, view.normal_class)
    checkpoints = [c for c in everything if (c.config.dataset, c.config.normal_class) == task]
    try:
        explore(view, checkpoints)
    except ValueError as error:
        st.error(f"These scores cannot be shown: {error}")
    training(view.dataset, view.normal_class, everything)


def choose_view() -> View:
    """The row of choices at the top; the address bar holds them."""
    columns = st.columns([2, 1, 4, 2], vertical_alignment="bottom")
    dataset = columns[0].selectbox(
        "Data set", list(DATASETS), format_func=lambda key: name_of(DATASET_NAMES, key), key="data", bind="query-params"
    )
    spec = DATASETS[dataset]
    first = spec.classes.index(FIRST_CLASS) if FIRST_CLASS in spec.classes else 0
    normal_class = columns[1].selectbox("Normal", spec.classes, index=first, key="normal", bind="query-params")
    shifted = choose_shift(spec, columns[2])
    method = columns[3].segmented_control(
        "Method",
        (BOTH, *DETECTOR_ORDER),
        default=BOTH,
        required=True,
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="method",
        bind="query-params",
    )
    return View(dataset, normal_class, shifted, DETECTOR_ORDER if method == BOTH else (method,))


def choose_shift(spec: DatasetSpec, place: DeltaGenerator) -> str:
    """A shifted domain of the data set, or the in-distribution one under a corruption."""
    own = [domain for domain in spec.shifted if not split_domain(domain)[1]]
    options = [*own, *CORRUPTIONS]
    row = place.container(horizontal=True, vertical_alignment="bottom")
    chosen = row.selectbox(
        "Shift",
        options,
        format_func=lambda key: key.replace("_", " ") if key in CORRUPTIONS else domain_name(key),
        key="shift",
        bind="query-params",
        help=SHIFTED_HELP,
    )
    if chosen not in CORRUPTIONS:
        return chosen
    severity = row.select_slider(
        "Severity", SEVERITIES, value=FIRST_SEVERITY, key="severity", bind="query-params", width=140
    )
    return shifted_domain(spec.in_distribution, f"{chosen}:{severity}")


def explore(view: View, checkpoints: list[Checkpoint]) -> None:
    """Finding, figures, gallery and where the numbers come from, for the methods that have a checkpoint."""
    trained = {checkpoint.config.detector for checkpoint in checkpoints}
    shown = [detector for detector in view.detectors if detector in trained]
    for detector in view.detectors:
        if detector not in trained:
            name = name_of(DETECTOR_NAMES, detector)
            st.info(f"No checkpoint of {name} has {view.normal_class} as its normal class yet. Train one below.")
    if not shown:
        return
    finding = st.container()
    rows = [st.columns(ROW, vertical_alignment="center") for _ in shown]
    strength = choose_strength()
    questions = []
    for (left, *_), detector in zip(rows, shown, strict=True):
        with left:
            checkpoint, matched = choose_checkpoint(detector, checkpoints)
            questions.append(ask(checkpoint, style_weight=strength if matched else 0.0))
    with st.spinner("Scoring images", show_time=True):
        spec = DATASETS[view.dataset]
        answers = [answer(question, spec=spec, shifted=view.shifted) for question in questions]
    finding.markdown(f"##### {sentence(view, answers)}")
    domains = [domain for found in answers for domain in (found.in_distribution, found.shifted)]
    edges = shared_edges([domain.scores for domain in domains])
    tallest = tallest_share([domain.scores for domain in domains], edges)
    for (_, *places), found in zip(rows, answers, strict=True):
        panels = (
            panel(found.in_distribution, shifted=False, title=domain_title(spec.in_distribution, "in-distribution")),
            panel(found.shifted, shifted=True, title=domain_title(view.shifted, "shifted")),
        )
        for place, drawn in zip(places, panels, strict=True):
            place.plotly_chart(
                score_histogram(drawn, edges=edges, tallest=tallest, threshold=found.threshold),
                key=f"histogram_{found.question.checkpoint.config.detector}_{'shifted' if drawn.shifted else 'id'}",
                config={"displayModeBar": False},
                alt=f"Score histogram of {found.question.title}. {drawn.title}: {drawn.footnote}.",
            )
    gallery(answers, domains=(spec.in_distribution, view.shifted))
    honesty(view, answers)


def choose_strength() -> float:
    """The strength of matching, for every method that has it on; and how to read the figures."""
    _, middle, right = st.columns(ROW, vertical_alignment="center")
    strength = middle.select_slider(
        "FDM strength α", STRENGTHS, value=STRENGTHS[-1], key="strength", bind="query-params", help=FDM_HELP
    )
    right.caption(
        ":blue[■] normal  :orange[■] anomalous  ·  filled: in-distribution, hatched: shifted  ·  one score axis for "
        "all  ·  dotted: the score that 95 % of training images stay below",
        help=AUROC_HELP,
    )
    return float(strength)


def choose_checkpoint(detector: str, checkpoints: list[Checkpoint]) -> tuple[Checkpoint, bool]:
    """A method's name, its checkpoint, and whether its features are matched."""
    options = {c.folder.path.name: c for c in checkpoints if c.config.detector == detector}
    name = name_of(DETECTOR_NAMES, detector)
    st.markdown(f"**{name}**")
    matched = st.toggle(
        "FDM", value=detector in MATCHED_AT_FIRST, key=f"fdm_{detector}", bind="query-params", help=FDM_HELP
    )
    chosen = st.selectbox(
        f"Checkpoint of {name}",
        list(options),
        format_func=lambda key: describe_checkpoint(options[key]),
        key=f"run_{detector}",
        bind="query-params",
        label_visibility="collapsed",
    )
    return options[chosen], matched


def shown_path(checkpoint: Checkpoint) -> str:
    """The run's folder as one would type it in the project's folder."""
    path = checkpoint.folder.path
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)


def describe_checkpoint(checkpoint: Checkpoint) -> str:
    """A checkpoint in a few words."""
    config = checkpoint.config
    height, width = config.image_size
    size = f"{height} px" if height == width else f"{height}×{width} px"
    return f"{'bundled' if checkpoint.bundled else started_at(checkpoint)}, {size}, seed {config.seed}"


def started_at(checkpoint: Checkpoint) -> str:
    """When a run of one's own was written."""
    return time.strftime("%d %b %H:%M", time.localtime(checkpoint.folder.weights.stat().st_mtime))


def panel(found: DomainAnswer, *, shifted: bool, title: str) -> Panel:
    """A histogram with its AUROC and its mistakes."""
    auroc = "no AUROC" if found.report.auroc is None else f"AUROC <b>{found.report.auroc:.3f}</b>"
    bounds = f" <span style='font-size:11px'>{interval(found.report.auroc_interval)}</span>"
    mistakes = f"false alarms {percent(found.false_alarms)}, misses {percent(found.misses)}"
    return Panel(found.scores, shifted=shifted, title=title, note=auroc + bounds, footnote=mistakes)


def sentence(view: View, answers: list[Answer]) -> str:
    """The finding, made from the numbers."""
    first, *others = answers
    shift, task = domain_name(view.shifted), task_name(view.dataset, view.normal_class)
    text = (
        f"{shift.capitalize()}, {first.question.title} separates {task} with AUROC "
        f"{first.shifted.report.auroc:.2f} instead of {first.in_distribution.report.auroc:.2f}."
    )
    for other in others:
        delta = (other.shifted.report.auroc or 0) - (first.shifted.report.auroc or 0)
        text += f" {other.question.title} gets {other.shifted.report.auroc:.2f} ({signed(delta)})."
    return text


def domain_title(domain: str, side: str) -> str:
    """A panel's heading."""
    return f"{domain_name(domain).capitalize()} ({side})"


def honesty(view: View, answers: list[Answer]) -> None:
    """Where the numbers come from, and how to get them again."""
    report = answers[0].shifted.report
    for found in answers:
        checkpoint, scoring = found.question
        config = checkpoint.config
        st.caption(
            f"{found.question.title}: n = {report.n_normal} normal, {report.n_anomalous} anomalous · "
            f"seed {config.seed} · checkpoint {checkpoint.sha256[:8]} · {name_of(TEACHER_NAMES, config.teacher)} · "
            f"reproduce: `gnl score {shown_path(checkpoint)} --domain {view.shifted} "
            f"--style-weight {scoring.style_weight:g}`"
        )
