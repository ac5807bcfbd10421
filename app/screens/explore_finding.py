"""What Explore says in words: the finding above the figures, and where the numbers come from below them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st

from app import PROJECT
from app.answers import Answer
from app.cache import Checkpoint
from app.local_data import images_equal_to_training
from app.methods import DETECTOR_NAMES, YARDSTICKS
from app.screens.explore_view import View
from app.words import TEACHER_NAMES, capitalised, domain_name, name_of, signed, task_name
from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.datasets.shifts import split_domain
from gnl_core.records import DomainReport
from gnl_core.runs.folder import RunFolder

NAMED_ONE_BY_ONE = 2  # more methods than these are summed up


def finding(view: View, answers: list[Answer]) -> str:
    """The finding in words, made from the numbers; counts where there is no AUROC."""
    first, *others = answers
    if first.shifted.report.auroc is None:
        return counts_sentence(view, answers)
    before = first.in_distribution.report.auroc
    instead = "" if before is None else f" instead of {before:.2f}"
    task = task_name(view.dataset, view.normal_class)
    return (
        f"{capitalised(domain_name(view.shifted))}, {first.question.title} separates {task} with AUROC "
        f"{shifted_auroc(first):.2f}{instead}.{others_sentence(first, others)}{yardstick_sentence(answers)}"
    )


def counts_sentence(view: View, answers: list[Answer]) -> str:
    """How many images each method finds anomalous, where the labels allow no AUROC."""
    report, images = answers[0].shifted.report, len(answers[0].shifted.scores.score)
    kind = "images score" if report.n_unlabelled else "normal images score"
    beginning = (
        "Not labelled, so there is no AUROC:" if report.n_unlabelled else f"{capitalised(domain_name(view.shifted))},"
    )
    first, *others = answers
    more = "".join(f", {found.shifted.above:,} above that of {found.question.title}" for found in others)
    count = f"{first.shifted.above:,} of {images:,} {kind} above the threshold of {first.question.title}"
    return f"{beginning} {count}{more}."


def others_sentence(first: Answer, others: list[Answer]) -> str:
    """What the other methods get beside the first: each of a few, else the best of them."""
    if len(others) > NAMED_ONE_BY_ONE:
        best = max(others, key=shifted_auroc)
        return f" The best of {len(others)} others, {best.question.title}, gets {gain(first, best)}."
    return "".join(f" {other.question.title} gets {gain(first, other)}." for other in others)


def gain(first: Answer, other: Answer) -> str:
    """A method's AUROC under shift, and its difference to the first one's."""
    return f"{shifted_auroc(other):.2f} ({signed(shifted_auroc(other) - shifted_auroc(first))})"


def yardstick_sentence(answers: list[Answer]) -> str:
    """Says so where a method that trains nothing is ahead of all that were trained."""
    best = max(answers, key=shifted_auroc)
    trained = [found for found in answers if found.question.checkpoint.config.detector not in YARDSTICKS]
    if best in trained or not trained:
        return ""
    name = name_of(DETECTOR_NAMES, best.question.checkpoint.config.detector)
    beaten = trained[0].question.title if len(trained) == 1 else f"the {len(trained)} methods that do"
    return f" {name} trains nothing and beats {beaten}."


def shifted_auroc(found: Answer) -> float:
    """AUROC under shift; 0 where there is none."""
    return found.shifted.report.auroc or 0.0


def warn_of_equal_images(view: View) -> None:
    """Say so where images of the view equal training images; nothing where none do."""
    equal = images_equal_to_training(view.dataset, view.normal_class, view.root)
    count = sum(
        equal.get(domain, 0) for domain in {split_domain(name)[0] for name in (view.spec.in_distribution, view.shifted)}
    )
    if count:
        images = "1 of these test images equals" if count == 1 else f"{count:,} of these test images equal"
        st.warning(
            f"{images} a training image, so the figures are too good. "
            f"`gnl data check --dataset {view.dataset}` tells which."
        )


def honesty(view: View, answers: list[Answer]) -> None:
    """Where the numbers come from, and how to get them again."""
    for found in answers:
        checkpoint, scoring = found.question
        st.caption(
            f"{found.question.title}: {describe_n(found.shifted.report)} · {describe_origin(checkpoint)} · "
            f"reproduce: `{command(view, checkpoint, scoring)}`"
        )


def describe_origin(checkpoint: Checkpoint) -> str:
    """Which checkpoint a number is from."""
    config = checkpoint.config
    split = f" · split: {config.split}" if config.split else ""
    return f"seed {config.seed} · checkpoint {checkpoint.sha256[:8]} · {name_of(TEACHER_NAMES, config.teacher)}{split}"


def describe_n(report: DomainReport) -> str:
    """How many images a number is made from."""
    if report.n_unlabelled:
        return f"n = {report.n_unlabelled:,}, not labelled"
    return f"n = {report.n_normal:,} normal, {report.n_anomalous:,} anomalous"


def command(view: View, checkpoint: Checkpoint, scoring: ScoringConfig, *, domains: Sequence[str] = ()) -> str:
    """The line that gives the same scores, with what is not as the run was trained.

    Args:
        view: What they are of.
        checkpoint: The run.
        scoring: How it is asked.
        domains: What to score; unset: the view's shifted domain.
    """
    own = scoring_settings(checkpoint.config).model_dump()
    changed = {name: value for name, value in scoring.model_dump().items() if value != own[name]}
    asked = {"style_weight": scoring.style_weight} | changed
    if view.root:
        asked["data_root"] = view.root
    words = [
        word
        for name, value in asked.items()
        for word in (f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value))
    ]
    return shlex.join(["gnl", "score", shown_path(checkpoint.folder), "--domain", *(domains or [view.shifted]), *words])


def shown_path(folder: RunFolder) -> str:
    """A run's folder as one would type it in the project's folder."""
    path = folder.path
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)
