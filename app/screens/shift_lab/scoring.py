"""Scoring of the missing severities on request, one severity at a time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.image import list_images
from app.controls.view import View
from app.image_scoring import RequestPair
from app.progress import Work
from app.scoring import scores_of_each, shift_score_of
from app.screens.shift_lab.numbers import (
    MethodCurves,
    known_curves,
    lacks_scores,
    lacks_shift_score,
    missing_severities,
    severity_domains,
)
from app.sources import scores_key, source_of
from app.words import counted, duration

RUNNING = "scoring_severities"  # identifies the scoring in progress; any other choice at the top ends it


def score_next(view: View, rows: Sequence[RequestPair], *, place: DeltaGenerator) -> None:
    """Offer to score the missing severities; once started, score one of them and redraw the page.

    Each complete severity is kept, so stopping loses at most one.

    Args:
        view: The page's view.
        rows: The methods.
        place: Container for the button or the progress bar.

    Raises:
        ValueError: If a checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    methods = [known_curves(view, row) for row in rows]
    missing = missing_severities(methods)
    work = name_work(view, rows)
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
            score_severity(view, rows, missing)
        except (ValueError, OSError):
            stop()
            raise
    st.rerun()


def stop() -> None:
    """End the scoring, if it is in progress."""
    st.session_state.pop(RUNNING, None)


def name_work(view: View, rows: Sequence[RequestPair]) -> list[tuple[str, ...]]:
    """Identify these scores uniquely."""
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
    return f"Score {counted(len(unscored), 'severity')} with {counted(len(methods), 'method')}"


def seconds_of(method: MethodCurves, missing: Sequence[int], *, domain: str) -> float:
    """Estimate the seconds for a method's missing results from its pace on a few images of a domain."""
    from app.compute import estimate  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoint = method.off.request.checkpoint
    pace = estimate(source_of(checkpoint), domain=domain, scorings=[line.request.scoring for line in method.lines])
    return sum(
        pace.scoring * lacks_scores(method, severity) + pace.shift * lacks_shift_score(method, severity)
        for severity in missing
    )


def score_severity(view: View, rows: Sequence[RequestPair], missing: Sequence[int]) -> None:
    """Score the first missing severity, each method without and with matching in one pass."""
    domains = severity_domains(view)
    domain = domains[missing[0]]
    images = len(list_images(view, [row.off.checkpoint for row in rows], domain))
    passes, done = len(domains) * len(rows), (len(domains) - len(missing)) * len(rows)
    for number, row in enumerate(rows, start=done):
        scores_of_each(row.requests, domain, Work(images * number, images * (passes - number - 1)))
        with st.spinner("Measuring the shift"):
            shift_score_of(row.off.checkpoint, domain)
