"""Learn, step 7: when matching makes a score worse, from the scores bundled with the project."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from app import query_keys as keys
from app.comparisons import ListedComparison, list_comparisons
from app.screens.learn.lessons import IMPROVED, LessonData, Matched, bundled_tasks, compare_matching
from app.screens.learn.step import CHOICES, LessonStep, draw, show_origin
from app.screens.learn.worsened import most_worsened, show_worsened
from app.words import counted, with_minus
from gnl_core.comparison.records import REFERENCE, Method
from gnl_core.names import DATASET_NAMES, domain_name, name_of

MNIST = "mnist"  # the data set of the note below the image
OFFERED = 10  # number of most worsened images to choose from
TEXT = """\
Matching cannot know which differences are style. It pulls the effect of an anomaly on a channel's values toward normal
values like everything else. And a shadow changes only *some* parts of an image: values overtake each other, and the
same rank no longer means the same thing.

So matching helps under some shifts and hurts under others. The rows show all domains bundled with this project; below
is the image whose **rank** among all scores worsened most."""


class Failing(NamedTuple):
    """All domains, the chosen one, and the position of the chosen image among the most worsened, from 0."""

    everything: dict[str, tuple[LessonData, Matched]]
    task: LessonData
    matched: Matched
    place: int


def ask() -> Failing:
    """Choose a domain, initially the one where matching costs most, and an image."""
    everything = matched_domains()
    with st.container(key=CHOICES):
        worst = min(everything, key=lambda name: everything[name][1].gain)
        chosen = st.selectbox(
            "Domain",
            list(everything),
            index=list(everything).index(worst),
            format_func=lambda name: describe(*everything[name]),
            key=keys.FAILING_DOMAIN,
            bind="query-params",
        )
        number = st.number_input(
            "Rank among the most worsened", 1, OFFERED, key=keys.FAILING_IMAGE, bind="query-params"
        )
    task, matched = everything[chosen]
    return Failing(everything, task, matched, number - 1)


def matched_domains() -> dict[str, tuple[LessonData, Matched]]:
    """Map the name of every bundled domain to its task and scores."""
    return {matched.name: (task, matched) for task in bundled_tasks().values() for matched in compare_matching(task)}


def describe(task: LessonData, matched: Matched) -> str:
    """Name a domain and its data set."""
    return f"{name_of(DATASET_NAMES, task.dataset).split(' ')[0]} {domain_name(matched.name)}"


def show(failing: Failing, large: bool) -> None:
    """Draw all domains as lines, and one image with its maps."""
    from gnl_core.plots.lessons import Gain, gain_dumbbells  # noqa: PLC0415 (Plotly takes a second to import)

    gains = [Gain(describe(task, matched), *matched.auroc) for task, matched in failing.everything.values()]
    described = "; ".join(f"{gain.name} {gain.off:.3f} to {gain.on:.3f}" for gain in gains)
    draw(
        gain_dumbbells(gains, shown=describe(failing.task, failing.matched)),
        key="gains",
        alt=f"AUROC of GNL without and with matching: {described}",
        large=large,
    )
    show_worsened(failing.task, failing.matched, int(most_worsened(failing.matched)[failing.place]))
    labels = failing.matched.off.label
    show_origin(
        failing.task.improved,
        about=f"n = {np.sum(labels == 0)} normal, {np.sum(labels == 1)} anomalous in this domain, strength α = 1",
    )
    note = comparison_note(list_comparisons()[0])
    if note:
        st.caption(note)


def comparison_note(comparisons: list[ListedComparison]) -> str:
    """State the effect of matching and of the views in MNIST's largest bundled table; empty if there is none."""
    tables = [
        listed.comparison for listed in comparisons if listed.bundled and listed.comparison.config.dataset == MNIST
    ]
    if not tables:
        return ""
    table = max(tables, key=lambda comparison: len(comparison.classes))
    rows = {(row.method, row.published): row.entries for row in table.rows}
    wanted = [(Method(IMPROVED, 1.0), False), (Method(IMPROVED, 0.0), False), (REFERENCE, False)]
    published = rows.get((Method(IMPROVED, None), True), {})
    base, shifted = table.domains[:2]
    if not all(shifted in rows.get(key, {}) and base in rows.get(key, {}) for key in wanted):
        return ""
    on, off, plain = (rows[key] for key in wanted)
    paper = f"; the paper has {published[shifted].value:.3f}" if shifted in published else ""
    cost, views = on[base].value - off[base].value, off[shifted].value - plain[shifted].value
    return (
        f"{name_of(DATASET_NAMES, MNIST)} {domain_name(shifted)} (mean of {counted(on[shifted].runs, 'run')}, page "
        f"Compare): matching takes GNL's AUROC from {off[shifted].value:.3f} to {on[shifted].value:.3f}{paper}; in-"
        f"distribution, the change is {with_minus(f'{cost:+.3f}')}. Without matching, GNL differs from RD4AD by "
        f"{with_minus(f'{views:+.3f}')}."
    )


FAILURE = LessonStep("When it fails", TEXT, ask, show)
