"""Learn, step 6: when matching makes a score worse, found in the scores that come with the project."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.answers import ask as ask_run
from app.answers import map_scale, scores_of
from app.lessons import Matched, Task, bundled_tasks, compare_matching, subject_in, unmatched
from app.screens.colour_bar import draw_colour_bar
from app.screens.explore_picks import ranks
from app.screens.learn_step import CHOICES, Picture, Step, draw, draw_row, say_origin
from app.sources import source_of
from app.words import DATASET_NAMES, LABEL_WORDS, capitalised, domain_name, name_of, signed
from gnl_core.datasets import TRAIN

WHERE, WHICH = "failing_domain", "failing_image"
OFFERED = 10  # of the images that matching made worse
TEXT = """\
Matching cannot know which differences are style. What an anomaly does to a channel's values is pulled toward normal
ones like everything else. And a shadow, or a background, changes an image in *some* places: it moves values past each
other, so that the same rank no longer means the same thing.

So matching helps under some shifts and hurts under others, and with it images that were judged rightly. The rows show
all domains that come with this project; below stands the image whose **rank** among all scores got worse the most."""


class Failing(NamedTuple):
    """A domain, and which of the images that matching made worse, the worst being 0."""

    task: Task
    found: Matched
    place: int


def ask() -> Failing:
    """A domain, at first the one where matching costs most, and an image."""
    everything = matched_domains()
    with st.container(key=CHOICES):
        worst = min(everything, key=lambda name: everything[name][1].gain)
        chosen = st.selectbox(
            "Domain",
            list(everything),
            index=list(everything).index(worst),
            format_func=lambda name: describe(*everything[name]),
            key=WHERE,
            bind="query-params",
        )
        number = st.number_input("Worsened most, place", 1, OFFERED, key=WHICH, bind="query-params")
    task, found = everything[chosen]
    return Failing(task, found, number - 1)


def matched_domains() -> dict[str, tuple[Task, Matched]]:
    """Every domain that is bundled, with its task."""
    return {found.name: (task, found) for task in bundled_tasks().values() for found in compare_matching(task)}


def describe(task: Task, found: Matched) -> str:
    """A domain in a few words."""
    return f"{name_of(DATASET_NAMES, task.dataset).split(' ')[0]} {domain_name(found.name)}"


def most_worsened(found: Matched) -> NDArray[np.intp]:
    """The images in the order in which matching moves them to the wrong side: normal ones up, anomalous ones down."""
    climb = ranks(found.on.score) - ranks(found.off.score)
    return np.argsort(np.where(found.off.label == 0, -climb, climb), kind="stable")


def show(failing: Failing, large: bool) -> None:
    """All domains as lines, and one image with its maps."""
    from gnl_core.plots.lessons import Gain, gain_dumbbells  # noqa: PLC0415 (Plotly takes a second to import)

    gains = [Gain(describe(task, found), *found.auroc) for task, found in matched_domains().values()]
    told = "; ".join(f"{gain.name} {gain.off:.3f} to {gain.on:.3f}" for gain in gains)
    draw(
        gain_dumbbells(gains, shown=describe(failing.task, failing.found)),
        key="gains",
        alt=f"AUROC of GNL without and with matching: {told}",
        large=large,
    )
    show_image(failing, int(most_worsened(failing.found)[failing.place]))
    labels = failing.found.off.label
    say_origin(
        failing.task.improved,
        about=f"n = {np.sum(labels == 0)} normal, {np.sum(labels == 1)} anomalous in this domain, strength α = 1",
    )


def show_image(failing: Failing, row: int) -> None:
    """An image, its maps without and with matching, and what happened to its rank."""
    from app.inspection import reasons, seen  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

    task, found = failing.task, failing.found
    subject = subject_in(task, found.name, row)
    questions = (unmatched(task.improved), ask_run(task.improved, style_weight=1.0))
    source = source_of(task.improved)
    off, on = (seen(source, subject, question.scoring) for question in questions)
    upper = max(map_scale(question, scores_of(question, TRAIN)) for question in questions)
    before, after = (1 + int(ranks(scores.score)[row]) for scores in (found.off, found.on))
    st.markdown(
        f"**{capitalised(subject.shown)}**, {LABEL_WORDS[subject.label]}: rank **{before}** → **{after}** "
        f"of {len(found.off.score)}, from the lowest score"
    )
    maps = [
        Picture(colour_map(one.anomaly_map, upper=upper), f"{name}: {one.score:.2f}", f"Anomaly map, {name}")
        for name, one in (("Without matching", off), ("Matched", on))
        if one.anomaly_map is not None
    ]
    draw_row([Picture(subject.image, "Image", f"Image of {subject.shown}"), *maps])
    draw_colour_bar(f"{upper:.2f}")
    stages = [reasons(source, subject, question.scoring).stages for question in questions]
    changes = [new.at_peak - old.at_peak for old, new in zip(*stages, strict=True)]
    st.markdown(reason(changes, median_change(found), label=subject.label))


def median_change(found: Matched) -> float:
    """How matching moves the median score of the domain."""
    return float(np.median(found.on.score) - np.median(found.off.score))


def reason(changes: list[float], usual: float, *, label: int) -> str:
    """Why an image's rank got worse, in numbers.

    Args:
        changes: What matching does to each stage's part of this image's score.
        usual: What it does to the domain's median score.
        label: 0 for normal, 1 for anomalous.
    """
    parts = ", ".join(f"stage {number} {signed(change)}" for number, change in enumerate(changes, start=1))
    total = sum(changes)
    told = f"Matching moves the domain's median score by {signed(usual)}, this one by {signed(total)} ({parts})"
    if label == 1 and total < usual:
        return f"{told}: what gave the anomaly away went with the style."
    if label == 0 and total > usual:
        return f"{told}: what looks odd in this normal image is not a matter of style, and stays when style goes."
    return f"{told}: others overtook it."


FAILURE = Step("When it fails", TEXT, ask, show)
