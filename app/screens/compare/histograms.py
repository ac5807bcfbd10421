"""Histograms of the scores behind two methods' numbers, as in the supplement's Figure 1."""

from __future__ import annotations

import re
from functools import partial
from html import escape, unescape
from typing import NamedTuple

import streamlit as st

from app.comparisons import checkpoints_behind, scores_behind
from app.controls.links import EXPLORE, link_to_page
from app.display.downloads import chart_config, offer_page
from app.display.histograms import shared_axes
from app.methods import REVERSE_DISTILLATION, method_title
from app.screens.compare.choices import Compared, column_name, shifts_of
from app.server import rules
from app.words import capitalised, plain, points, sentence_list
from gnl_core.comparison.records import MEAN_SHIFT, Method
from gnl_core.finite import all_finite
from gnl_core.metrics.image import auroc
from gnl_core.metrics.intervals import auroc_interval
from gnl_core.names import domain_name
from gnl_core.plots.histograms import Panel
from gnl_core.plots.scrubber import Axes, HistogramPair, scrub_histograms
from gnl_core.records import Scores


class Choice(NamedTuple):
    """The choices of the chart.

    Attributes:
        normal_class: The class that is normal.
        domain: The shifted domain.
        methods: The two methods, each at a strength.
    """

    normal_class: str
    domain: str
    methods: tuple[Method, Method]


def show_pair(compared: Compared) -> None:
    """Draw the choices and the chart, or the reason why the scores are not available."""
    st.markdown("##### Score histograms of two methods")
    if compared.listed.bundled:
        st.caption(
            "The project does not include the scores behind these tables. The command below computes them in "
            f"{plain(compared.listed.output)}; that comparison then appears in the list at the top, with this chart."
        )
        link_to_page(EXPLORE, "Histograms of the bundled checkpoints on Explore", {})
        return
    choice = choose_pair(compared)
    if choice is None:
        return
    scores_by_domain = [
        scores_behind(compared.listed, method, normal_class=choice.normal_class) for method in choice.methods
    ]
    domains = (compared.comparison.in_distribution, choice.domain)
    lacking = [
        method_title(*method)
        for method, scores in zip(choice.methods, scores_by_domain, strict=True)
        if not set(domains) <= scores.keys()
    ]
    if lacking:
        st.caption(
            f"{plain(compared.listed.output)} has no scores of {plain(sentence_list(lacking))}; the command below "
            "computes them."
        )
        return
    sides = [(scores[domains[0]], scores[domains[1]]) for scores in scores_by_domain]
    diverged = [
        method_title(*method)
        for method, pair in zip(choice.methods, sides, strict=True)
        if not all(all_finite(scores.score) for scores in pair)
    ]
    if diverged:
        st.caption(f"Not every score of {plain(' and '.join(diverged))} is finite, because training diverged.")
        return
    draw_pair(compared, choice, sides)


def choose_pair(compared: Compared) -> Choice | None:
    """Choose class, shift and two methods; None if there is no shift or only one method."""
    comparison = compared.comparison
    measured = [row.method for row in compared.every_row if not row.published and row.method.use is None]
    methods = {method_title(*method): method for method in measured}
    shifts = [column for column in shifts_of(comparison) if column != MEAN_SHIFT]
    if not shifts or len(methods) < 2:
        st.caption("This needs a shifted domain and two methods, or one at two strengths.")
        return None
    shift = compared.shift if compared.shift in shifts else None
    places = iter(st.columns(2 + (compared.normal_class is None) + (shift is None)))
    normal_class = compared.normal_class or next(places).selectbox(
        "Class", comparison.classes, key="pair_class", bind="query-params"
    )
    domain = shift or next(places).selectbox(
        "Shifted domain", shifts, format_func=column_name, key="pair_shift", bind="query-params"
    )
    titles, last = list(methods), second_choice(list(methods.values()))
    left = next(places).selectbox("First method", titles, key="pair_first", bind="query-params")
    right = next(places).selectbox("Second method", titles, index=last, key="pair_second", bind="query-params")
    return Choice(normal_class, domain, (methods[left], methods[right]))


def second_choice(methods: list[Method]) -> int:
    """Return the default of the second method: GNL with the strongest matching if measured, else the last."""
    matched = [position for position, method in enumerate(methods) if method.detector == "gnl"]
    return matched[-1] if matched else len(methods) - 1


def draw_pair(compared: Compared, choice: Choice, sides: list[tuple[Scores, Scores]]) -> None:
    """Draw a row of two histograms for each method, on a common axis if their scores are comparable."""
    axes = pair_axes(choice.methods, sides)
    rows = [
        HistogramPair(
            (make_panel(base, method, shifted=False), make_panel(shifted, method, shifted=True)),
            thresholds=(None, None),
        )
        for method, (base, shifted) in zip(choice.methods, sides, strict=True)
    ]
    st.plotly_chart(
        scrub_histograms({0.0: rows}, axes, shown=0.0),
        key="pair",
        config=chart_config(f"scores {choice.normal_class} {choice.domain}"),
        alt=describe_pair(rows),
    )
    st.caption(
        f":blue[■] normal  :orange[■] anomalous  ·  class {plain(choice.normal_class)}, "
        f"seed {compared.comparison.seeds[0]}  ·  bold: AUROC in percent, with its 95 % interval over test images"
    )
    offer_pair(compared, choice)


def offer_pair(compared: Compared, choice: Choice) -> None:
    """Offer both methods' scores, images and maps as one file to explore without a server."""
    name = f"scores {choice.normal_class} {choice.domain}.html".replace(":", " ").replace("/", " ")
    offer_page("HTML of both methods", name, partial(pair_page, compared, choice, visitor=rules.this_visitor()))


def pair_page(compared: Compared, choice: Choice, *, visitor: str) -> str:
    """Write what can be explored about both methods in-distribution and under the shift."""
    from app.page_file import page_of  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoints = checkpoints_behind(compared.listed, choice.methods, normal_class=choice.normal_class)
    strengths = {0.0, *(method.style_weight or 0.0 for method in choice.methods)}
    return page_of(checkpoints, domains=[choice.domain], visitor=visitor, strengths=sorted(strengths))


def pair_axes(methods: tuple[Method, ...], sides: list[tuple[Scores, Scores]]) -> list[tuple[Axes, Axes]]:
    """Choose a common axis if both methods are reverse distillation or equal, whose scores are comparable, else two."""
    comparable = (
        all(method.detector in REVERSE_DISTILLATION for method in methods) or len({m.detector for m in methods}) == 1
    )
    groups = (
        [[scores for pair in sides for scores in pair]] * len(sides) if comparable else [list(pair) for pair in sides]
    )
    return [(axes, axes) for axes in map(shared_axes, groups)]


def make_panel(scores: Scores, method: Method, *, shifted: bool) -> Panel:
    """Build one histogram with its method, its AUROC and its numbers of images."""
    value, limits = auroc(scores.label, scores.score), auroc_interval(scores.label, scores.score)
    normal, anomalous = (int((scores.label == label).sum()) for label in (0, 1))
    note = "no AUROC"
    if value is not None and limits is not None:
        note = f"<b>{points(value)}</b> <span style='font-size:11px'>{' to '.join(map(points, limits))}</span>"
    side = "shifted" if shifted else "in-distribution"
    return Panel(
        scores,
        shifted=shifted,
        title=f"{capitalised(domain_name(str(scores.domain[0])))} ({side})",
        note=f"{escape(method_title(*method))}  {note}",
        footnote=f"n = {normal:,} normal, {anomalous:,} anomalous",
    )


def describe_pair(rows: list[HistogramPair]) -> str:
    """Describe the chart as alternative text."""
    panels = [panel for row in rows for panel in row.panels]
    described = [f"{panel.title}: {unescape(re.sub('<.*?>', '', panel.note))}, {panel.footnote}" for panel in panels]
    return f"Score histograms with AUROC in percent. {'. '.join(described)}."
