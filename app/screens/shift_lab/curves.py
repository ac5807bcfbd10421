"""The chart of the Shift lab, its summary, and its downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.view import View
from app.display.downloads import chart_config, offer_command, offer_file
from app.display.provenance import command, describe_n, describe_origin
from app.image_scoring import RequestPair
from app.methods import DETECTOR_NAMES
from app.screens.shift_lab.numbers import MethodCurves, ScoredCurve, corruption_of, known_curves, severity_domains
from app.screens.shift_lab.summary import summary_sentence
from app.words import AUROC_HELP, DATASET_NAMES, SHIFT_SCORE_HELP, capitalised, corruption_name, name_of
from gnl_core.datasets.corruptions import SEVERITIES

if TYPE_CHECKING:
    from gnl_core.plots.severity import Curve

CHART, WORDS = 7, 3  # column widths
READING = (
    "Grey: FDM off, green: FDM on; dash and marker show the method. Thin bars: 95 % intervals over test images. "
    "Dotted: a shift score of 1."
)


def curves(view: View, rows: Sequence[RequestPair]) -> DeltaGenerator:
    """Draw the known results; return the container for the button that computes the rest."""
    methods = [known_curves(view, row) for row in rows]
    title = f"{capitalised(corruption_name(corruption_of(view)))}, all images"
    st.markdown(f"##### {title}", help=f"{AUROC_HELP}\n\n{SHIFT_SCORE_HELP}")
    chart, words = st.columns((CHART, WORDS), gap="medium")
    with chart:
        draw(view, methods)
    with words:
        for method in methods:
            st.markdown(summary_sentence(method))
        button = st.container()
    show_origin(view, methods)
    return button


def draw(view: View, methods: Sequence[MethodCurves]) -> None:
    """Draw the chart of the known results."""
    from gnl_core.plots.severity import severity_curves  # noqa: PLC0415 (Plotly takes a second to import)

    aurocs, shifts = auroc_curves(methods), shift_curves(methods)
    if not aurocs and not shifts:
        st.info("Nothing has been scored under this corruption yet. The button starts scoring.")
        return
    corruption = corruption_of(view)
    st.plotly_chart(
        severity_curves(aurocs, shifts, strongest=SEVERITIES[-1]),
        key="severity_curves",
        config=chart_config(f"gnl-{view.dataset}-{view.normal_class}-{corruption}"),
        alt=f"AUROC and shift score against the severity of {corruption_name(corruption)}",
    )
    st.caption(READING)


def auroc_curves(methods: Sequence[MethodCurves]) -> list[Curve]:
    """Build each method's AUROC curves, without and with matching, as far as they are known."""
    from gnl_core.plots.severity import Curve  # noqa: PLC0415 (as above)

    return [
        Curve(
            label=line.request.title,
            method=position,
            matched=line is method.on,
            values=line.aurocs,
            bounds={step: report.auroc_interval for step, report in line.reports.items() if report.auroc_interval},
        )
        for position, method in enumerate(methods)
        for line in method.lines
        if line.aurocs
    ]


def shift_curves(methods: Sequence[MethodCurves]) -> list[Curve]:
    """Build the methods' shift score curves; methods with equal values share a curve."""
    from gnl_core.plots.severity import Curve  # noqa: PLC0415 (as above)

    drawn: list[Curve] = []
    for position, method in enumerate(methods):
        name = name_of(DETECTOR_NAMES, method.off.request.checkpoint.config.detector)
        same = next((index for index, curve in enumerate(drawn) if curve.values == method.shift_scores), None)
        if same is not None:
            drawn[same] = drawn[same]._replace(label=f"{drawn[same].label}, {name}")
        elif method.shift_scores:
            drawn.append(Curve(name, position, matched=False, values=method.shift_scores, bounds={}))
    return drawn


def show_origin(view: View, methods: Sequence[MethodCurves]) -> None:
    """Show where the numbers come from, a download, and the commands that reproduce them."""
    for method in methods:
        checkpoint = method.off.request.checkpoint
        counted = next((describe_n(report) for report in method.off.reports.values()), "not scored yet")
        st.caption(
            f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: {name_of(DATASET_NAMES, view.dataset)}, "
            f"{counted} at each severity · {describe_origin(checkpoint)}"
        )
    with st.container(horizontal=True):
        if any(method.off.reports for method in methods):
            name = f"gnl-{view.dataset}-{view.normal_class}-{corruption_of(view)}.csv"
            offer_file("Download CSV", name, lambda: curve_table(view, methods))
        with st.popover("Reproduce"):
            domains = list(severity_domains(view).values())
            requests = [line.request for method in methods for line in method.lines]
            offer_command("\n".join(command(view, *request, domains=domains) for request in requests))


def curve_table(view: View, methods: Sequence[MethodCurves]) -> str:
    """Write one row per method, strength of matching and severity as CSV with a header."""
    rows = [row for method in methods for line in method.lines for row in line_rows(view, line, method)]
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def line_rows(view: View, line: ScoredCurve, method: MethodCurves) -> Iterator[dict[str, Any]]:
    """Yield a curve's rows; unknown values stay empty."""
    checkpoint, scoring = line.request
    for severity, report in line.reports.items():
        low, high = report.auroc_interval or (None, None)
        yield {
            "dataset": view.dataset,
            "normal_class": view.normal_class,
            "corruption": corruption_of(view),
            "severity": severity,
            "detector": checkpoint.config.detector,
            "style_weight": scoring.style_weight,
            "auroc": report.auroc,
            "auroc_low": low,
            "auroc_high": high,
            "shift_score": method.shift_scores.get(severity),
            "n_normal": report.n_normal,
            "n_anomalous": report.n_anomalous,
            "n_unlabelled": report.n_unlabelled,
            "seed": checkpoint.config.seed,
            "checkpoint": checkpoint.sha256,
        }
