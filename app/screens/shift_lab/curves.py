"""The chart of the Shift lab, its summary, and its downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.view import View
from app.display.adaptation import name_ways
from app.display.downloads import chart_config, offer_command, offer_file, offer_page
from app.display.notebook import offer_notebook
from app.display.provenance import adapted_command, command, describe_n, describe_origin
from app.engines import engines_behind
from app.image_scoring import RequestPair
from app.screens.shift_lab.notebook import shift_lab_notebook
from app.screens.shift_lab.numbers import MethodCurves, ScoredCurve, corruption_of, known_curves, severity_domains
from app.screens.shift_lab.summary import summary_sentence
from app.server import rules
from app.words import AUROC_HELP, SHIFT_SCORE_HELP, capitalised, plain
from gnl_core.adaptation.choice import Ways
from gnl_core.datasets.corruptions import SEVERITIES
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, corruption_name, name_of
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.tables import csv_cell

if TYPE_CHECKING:
    from gnl_core.plots.severity import Curve

CHART, WORDS = 7, 3  # column widths
IN_FILE = 64  # images of each label and severity: with six domains of hundreds, the file would be too large to mail
COLOURS = {False: "Grey: FDM off, green: FDM on", True: "Grey: as it is, green: adapted"}  # by whether it is adapted
READING = "dash and marker show the method. Thin bars: 95 % intervals over test images. Dotted: a shift score of 1."
SEPARATELY = (
    "Each severity is adapted to separately, and the images adapted to are left out of all values. The maps above are "
    "not adapted; Inspect shows adapted maps."
)


def curves(view: View, rows: Sequence[RequestPair], choice: TrayChoice | None) -> DeltaGenerator:
    """Draw the known results; return the container for the button that computes the rest.

    Args:
        view: The page's view.
        rows: The methods' requests.
        choice: Which images to adapt to at each severity; None to take each as it is.
    """
    methods = [known_curves(view, row, choice) for row in rows]
    chart, words = st.columns((CHART, WORDS), gap="medium")
    with chart:
        draw(view, methods, adapted=choice is not None)
    with words:
        for method in methods:
            st.markdown(summary_sentence(method))
        button = st.container()
    show_ways(methods)
    show_origin(view, methods)
    return button


def head(view: View) -> None:
    """Draw the heading of the chart."""
    title = f"{capitalised(corruption_name(corruption_of(view)))}, all images"
    st.markdown(f"##### {title}", help=f"{AUROC_HELP}\n\n{SHIFT_SCORE_HELP}")


def draw(view: View, methods: Sequence[MethodCurves], *, adapted: bool) -> None:
    """Draw the chart of the known results."""
    from gnl_core.plots.severity import severity_curves  # noqa: PLC0415 (Plotly takes a second to import)

    aurocs, shifts = auroc_curves(methods), shift_curves(methods)
    if not aurocs and not shifts:
        st.info("Nothing has been scored under this corruption yet.")
        return
    corruption = corruption_of(view)
    st.plotly_chart(
        severity_curves(aurocs, shifts, strongest=SEVERITIES[-1]),
        key="severity_curves",
        config=chart_config(f"gnl-{view.dataset}-{view.normal_class}-{corruption}"),
        alt=f"AUROC and shift score against the severity of {corruption_name(corruption)}",
    )
    st.caption(f"{COLOURS[adapted]}; {READING}")


def show_ways(methods: Sequence[MethodCurves]) -> None:
    """State how each method is adapted at which severities; nothing if none is."""
    lines = [
        f"{name_of(DETECTOR_NAMES, line.request.checkpoint.config.detector)}: {group_ways(line.ways)}."
        for method in methods
        for line in method.lines
        if line.ways
    ]
    if lines:
        st.caption("  \n".join([SEPARATELY, *lines]))


def group_ways(ways: Mapping[int, Ways]) -> str:
    """Name each way with the severities at which it is chosen."""
    severities: dict[str, list[str]] = {}
    for severity in sorted(ways):
        severities.setdefault(name_ways(ways[severity]), []).append(str(severity) if severity else "unchanged")
    return "; ".join(f"{way} ({', '.join(found)})" for way, found in severities.items())


def auroc_curves(methods: Sequence[MethodCurves]) -> list[Curve]:
    """Build each method's AUROC curves, without matching and with it, or adapted, as far as they are known."""
    from gnl_core.plots.severity import Curve  # noqa: PLC0415 (as above)

    return [
        Curve(
            label=line.title,
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
    """Show where the numbers come from, downloads, and the commands that reproduce them."""
    for method in methods:
        checkpoint = method.off.request.checkpoint
        reports = [report for line in reversed(method.lines) for report in line.reports.values()]
        counted = describe_n(reports[0]) if reports else "not scored yet"
        engines = engines_behind(method.off.request, severity_domains(view).values())
        st.caption(
            f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: {name_of(DATASET_NAMES, view.dataset)}, "
            f"{counted} at each severity · {plain(describe_origin(checkpoint, engines))}"
        )
    with st.container(horizontal=True):
        stem = f"gnl-{view.dataset}-{view.normal_class}-{corruption_of(view)}"
        if any(method.off.reports for method in methods):
            offer_file("Download CSV", f"{stem}.csv", partial(curve_table, view, methods))
            offer_page("Download HTML", f"{stem}.html", partial(page, view, methods, visitor=rules.this_visitor()))
        offer_notebook(stem, partial(shift_lab_notebook, view, methods))
        with st.popover("Reproduce"):
            offer_command("\n".join(line_command(view, line) for method in methods for line in method.lines))


def page(view: View, methods: Sequence[MethodCurves], *, visitor: str) -> str:
    """Write the images, maps and scores at every severity as one file, without matching and with it."""
    from app.page_file import page_of  # noqa: PLC0415 (PyTorch takes seconds to import)

    strengths = {line.request.scoring.style_weight or 0.0 for method in methods for line in method.lines}
    _, *domains = severity_domains(view).values()
    checkpoints = [method.off.request.checkpoint for method in methods]
    return page_of(checkpoints, domains=domains, visitor=visitor, strengths=sorted(strengths), most=IN_FILE)


def line_command(view: View, line: ScoredCurve) -> str:
    """Build the commands that reproduce a curve."""
    domains = list(severity_domains(view).values())
    if line.choice is None:
        return command(view, *line.request, domains=domains)
    return "\n".join(adapted_command(view, *line.request, line.choice, domain=domain) for domain in domains)


def curve_table(view: View, methods: Sequence[MethodCurves]) -> str:
    """Write one row per method, strength of matching and severity as CSV with a header."""
    rows = [row for method in methods for line in method.lines for row in line_rows(view, line, method)]
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
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
            "adapted_to": line.choice.size if line.choice else 0,
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
