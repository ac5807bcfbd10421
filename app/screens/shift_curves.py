"""The figure of the Shift lab, what it says, and what one can take away of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.methods import DETECTOR_NAMES
from app.screens.downloads import chart_config, offer_command, offer_file
from app.screens.explore_finding import command, describe_n, describe_origin
from app.screens.explore_view import View
from app.screens.inspect_maps import Row
from app.screens.shift_finding import finding
from app.screens.shift_numbers import Method, corruption_of, known, severity_domains
from app.screens.shift_table import curve_table
from app.words import AUROC_HELP, DATASET_NAMES, SHIFT_SCORE_HELP, capitalised, corruption_name, name_of
from gnl_core.datasets.corruptions import SEVERITIES

if TYPE_CHECKING:
    from gnl_core.plots.severity import Curve

CHART, WORDS = 7, 3  # widths of the figure, and of what it says
READING = (
    "Grey: FDM off, green: FDM on; dash and marker tell the method. Thin bars: 95 % intervals over test images. "
    "Dotted: a shift score of 1."
)


def curves(view: View, rows: Sequence[Row]) -> DeltaGenerator:
    """Draw what is known already; returns the place for what computes the rest."""
    methods = [known(view, row) for row in rows]
    title = f"{capitalised(corruption_name(corruption_of(view)))}, all images"
    st.markdown(f"##### {title}", help=f"{AUROC_HELP}\n\n{SHIFT_SCORE_HELP}")
    chart, words = st.columns((CHART, WORDS), gap="medium")
    with chart:
        draw(view, methods)
    with words:
        for method in methods:
            st.markdown(finding(method))
        button = st.container()
    say_origin(view, methods)
    return button


def draw(view: View, methods: Sequence[Method]) -> None:
    """The figure, as far as it is known."""
    from gnl_core.plots.severity import severity_curves  # noqa: PLC0415 (Plotly takes a second to import)

    aurocs, shifts = auroc_curves(methods), shift_curves(methods)
    if not aurocs and not shifts:
        st.info("Nothing is scored yet under this corruption: the button starts it.")
        return
    corruption = corruption_of(view)
    st.plotly_chart(
        severity_curves(aurocs, shifts, strongest=SEVERITIES[-1]),
        key="severity_curves",
        config=chart_config(f"gnl-{view.dataset}-{view.normal_class}-{corruption}"),
        alt=f"AUROC and shift score against the severity of {corruption_name(corruption)}",
    )
    st.caption(READING)


def auroc_curves(methods: Sequence[Method]) -> list[Curve]:
    """Each method's AUROC without matching and with it, where something is known."""
    from gnl_core.plots.severity import Curve  # noqa: PLC0415 (as above)

    return [
        Curve(
            label=line.question.title,
            method=position,
            matched=line is method.on,
            values=line.aurocs,
            bounds={step: found.auroc_interval for step, found in line.reports.items() if found.auroc_interval},
        )
        for position, method in enumerate(methods)
        for line in method.lines
        if line.aurocs
    ]


def shift_curves(methods: Sequence[Method]) -> list[Curve]:
    """The methods' shift scores; methods that measure the same share a line."""
    from gnl_core.plots.severity import Curve  # noqa: PLC0415 (as above)

    found: list[Curve] = []
    for position, method in enumerate(methods):
        name = name_of(DETECTOR_NAMES, method.off.question.checkpoint.config.detector)
        same = next((index for index, curve in enumerate(found) if curve.values == method.shift_scores), None)
        if same is not None:
            found[same] = found[same]._replace(label=f"{found[same].label}, {name}")
        elif method.shift_scores:
            found.append(Curve(name, position, matched=False, values=method.shift_scores, bounds={}))
    return found


def say_origin(view: View, methods: Sequence[Method]) -> None:
    """Where the numbers come from, and how to have them."""
    for method in methods:
        checkpoint = method.off.question.checkpoint
        counted = next((describe_n(report) for report in method.off.reports.values()), "not scored yet")
        st.caption(
            f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: {name_of(DATASET_NAMES, view.dataset)}, "
            f"{counted} at each severity · {describe_origin(checkpoint)}"
        )
    with st.container(horizontal=True):
        if any(method.off.reports for method in methods):
            name = f"gnl-{view.dataset}-{view.normal_class}-{corruption_of(view)}.csv"
            offer_file("Save as CSV", name, lambda: curve_table(view, methods))
        with st.popover("Reproduce"):
            domains = list(severity_domains(view).values())
            questions = [line.question for method in methods for line in method.lines]
            offer_command("\n".join(command(view, *question, domains=domains) for question in questions))
