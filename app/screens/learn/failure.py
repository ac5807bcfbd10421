"""Learn, step 6: when matching makes a score worse, found in the scores that come with the project."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from app.comparisons import FoundComparison, list_comparisons
from app.screens.learn.lessons import IMPROVED, LessonData, Matched, bundled_tasks, compare_matching
from app.screens.learn.step import CHOICES, LessonStep, draw, say_origin
from app.screens.learn.worsened import most_worsened, show_worsened
from app.words import DATASET_NAMES, counted, domain_name, name_of, with_minus
from gnl_core.comparison.records import REFERENCE, Method

WHERE, WHICH = "failing_domain", "failing_image"
MNIST = "mnist"  # of its table the text below the image tells
OFFERED = 10  # of the images that matching made worse
TEXT = """\
Matching cannot know which differences are style. What an anomaly does to a channel's values is pulled toward normal
ones like everything else. And a shadow changes an image in *some* places only: values move past each other, and the
same rank no longer means the same thing.

So matching helps under some shifts and hurts under others. The rows show all domains that come with this project; below
stands the image whose **rank** among all scores got worse the most."""


class Failing(NamedTuple):
    """A domain, and which of the images that matching made worse, the worst being 0; beside it every domain."""

    everything: dict[str, tuple[LessonData, Matched]]
    task: LessonData
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
    return Failing(everything, task, found, number - 1)


def matched_domains() -> dict[str, tuple[LessonData, Matched]]:
    """Every domain that is bundled, with its task."""
    return {found.name: (task, found) for task in bundled_tasks().values() for found in compare_matching(task)}


def describe(task: LessonData, found: Matched) -> str:
    """A domain in a few words."""
    return f"{name_of(DATASET_NAMES, task.dataset).split(' ')[0]} {domain_name(found.name)}"


def show(failing: Failing, large: bool) -> None:
    """All domains as lines, and one image with its maps."""
    from gnl_core.plots.lessons import Gain, gain_dumbbells  # noqa: PLC0415 (Plotly takes a second to import)

    gains = [Gain(describe(task, found), *found.auroc) for task, found in failing.everything.values()]
    described = "; ".join(f"{gain.name} {gain.off:.3f} to {gain.on:.3f}" for gain in gains)
    draw(
        gain_dumbbells(gains, shown=describe(failing.task, failing.found)),
        key="gains",
        alt=f"AUROC of GNL without and with matching: {described}",
        large=large,
    )
    show_worsened(failing.task, failing.found, int(most_worsened(failing.found)[failing.place]))
    labels = failing.found.off.label
    say_origin(
        failing.task.improved,
        about=f"n = {np.sum(labels == 0)} normal, {np.sum(labels == 1)} anomalous in this domain, strength α = 1",
    )
    told = tell_table(list_comparisons()[0])
    if told:
        st.caption(told)


def tell_table(comparisons: list[FoundComparison]) -> str:
    """What the largest bundled table of MNIST says of matching and of the views; nothing where there is none."""
    tables = [found.comparison for found in comparisons if found.bundled and found.comparison.config.dataset == MNIST]
    if not tables:
        return ""
    table = max(tables, key=lambda one: len(one.classes))
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
