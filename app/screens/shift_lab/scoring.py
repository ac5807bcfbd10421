"""Scoring of the missing severities on request, one severity at a time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.adaptation import adapted_scores
from app.controls.image import list_images
from app.controls.view import View
from app.image_scoring import RequestPair
from app.progress import Work
from app.scoring import scores_of_each
from app.screens.shift_lab.numbers import (
    MethodCurves,
    known_curves,
    lacks_scores,
    lacks_shift_score,
    missing_severities,
    severity_domains,
)
from app.shift_scores import shift_score_of
from app.sources import adapted_key, scores_key, source_of
from app.words import counted, duration
from gnl_core.runs.adapted_scores import TrayChoice

ADAPTING_IMAGES = 2.5  # images whose scoring takes as long as adapting to one
RUNNING = "scoring_severities"  # identifies the scoring in progress; any other choice at the top ends it


def score_next(view: View, rows: Sequence[RequestPair], choice: TrayChoice | None, *, place: DeltaGenerator) -> None:
    """Offer to score the missing severities; once started, score one of them and redraw the page.

    Each complete severity is kept, so stopping loses at most one.

    Args:
        view: The page's view.
        rows: The methods.
        choice: Which images to adapt to at each severity; None to take each as it is.
        place: Container for the button or the progress bar.

    Raises:
        ValueError: If a checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    methods = [known_curves(view, row, choice) for row in rows]
    missing = missing_severities(methods)
    work = name_work(view, rows, choice)
    if not missing or st.session_state.get(RUNNING) != work:
        stop()
    if not missing:
        return
    with place:
        if RUNNING not in st.session_state:
            offer_scoring(view, methods, missing, work=work)
            return
        st.button("Stop", on_click=stop, help="Complete severities are kept.")
        try:
            score_severity(view, rows, choice, missing=missing)
        except (ValueError, OSError):
            stop()
            raise
    st.rerun()


def stop() -> None:
    """End the scoring, if it is in progress."""
    st.session_state.pop(RUNNING, None)


def name_work(view: View, rows: Sequence[RequestPair], choice: TrayChoice | None) -> list[tuple[str, ...]]:
    """Identify these scores uniquely."""
    if choice is not None:
        return [
            adapted_key(source_of(checkpoint), domain=view.shifted, scoring=scoring, choice=choice)
            for (checkpoint, scoring), _ in rows
        ]
    return [
        scores_key(source_of(request.checkpoint), domain=view.shifted, scoring=request.scoring)
        for row in rows
        for request in row.requests
    ]


def offer_scoring(
    view: View, methods: Sequence[MethodCurves], missing: Sequence[int], *, work: list[tuple[str, ...]]
) -> None:
    """Draw a button that says what it computes and how long that takes."""
    with st.spinner("Estimating how long scoring takes"):
        seconds = sum(seconds_of(method, missing, domain=view.shifted) for method in methods)
    st.button(
        f"{name_scoring(methods, missing)}, about {duration(max(1, seconds))}",
        key="score_severities",
        type="primary",
        on_click=lambda: st.session_state.update({RUNNING: work}),
    )


def name_scoring(methods: Sequence[MethodCurves], missing: Sequence[int]) -> str:
    """Describe what the button computes."""
    unscored = [severity for severity in missing if any(lacks_scores(method, severity) for method in methods)]
    if not unscored:
        return f"Measure the shift of {counted(len(missing), 'severity')}"
    if any(line.choice for method in methods for line in method.lines):
        return f"Adapt {counted(len(methods), 'method')} to {counted(len(unscored), 'severity')}"
    return f"Score {counted(len(unscored), 'severity')} with {counted(len(methods), 'method')}"


def seconds_of(method: MethodCurves, missing: Sequence[int], *, domain: str) -> float:
    """Estimate the seconds for a method's missing results from its pace on a few images of a domain."""
    from app.compute import estimate  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoint = method.off.request.checkpoint
    plain = [line for line in method.lines if line.choice is None]
    pace = estimate(source_of(checkpoint), domain=domain, scorings=[line.request.scoring for line in plain])
    adapting = {line.choice.size: line for line in method.lines if line.choice}
    return sum(
        pace.scoring * any(severity not in line.reports for line in plain)
        + sum(
            pace.scoring + ADAPTING_IMAGES * size * pace.image
            for size, line in adapting.items()
            if severity not in line.reports
        )
        + pace.shift * lacks_shift_score(method, severity)
        for severity in missing
    )


def score_severity(
    view: View, rows: Sequence[RequestPair], choice: TrayChoice | None, *, missing: Sequence[int]
) -> None:
    """Score the first missing severity, each method without and with matching in one pass, or adapted in a second."""
    domains = severity_domains(view)
    domain = domains[missing[0]]
    images = len(list_images(view, [row.off.checkpoint for row in rows], domain))
    each = 1 if choice is None else 2
    passes, done = each * len(domains) * len(rows), each * (len(domains) - len(missing)) * len(rows)
    works = [Work(images * number, images * (passes - number - 1)) for number in range(done, passes)]
    for number, row in enumerate(rows):
        if choice is None:
            scores_of_each(row.requests, domain, works[number])
        else:
            (scores,) = scores_of_each([row.off], domain, works[2 * number])
            with st.spinner(f"Adapting to {choice.size} images", show_time=True):
                adapted_scores(row.off, choice, like=scores, shifted=domain, work=works[2 * number + 1])
        with st.spinner("Measuring the shift"):
            shift_score_of(row.off.checkpoint, domain)
