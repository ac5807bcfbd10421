"""Computations of the page Follow. Imports PyTorch: import it only after drawing the choices."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.compute import keep, run_of
from app.lines import Line, kept_lines, line_key
from app.progress import stop_if_cancelled, track_progress
from app.server import rules
from app.sources import Source
from app.turns import take_turn
from gnl_core.datasets.base import Item
from gnl_core.runs.followed import FollowSettings, ScoredLine
from gnl_core.runs.following import fix_threshold, list_line, measure_line
from gnl_core.runs.scoring import resolve_scoring, scoring_batches
from gnl_core.scoring import collect_scores, detect

BLOCK: int = FollowSettings.model_fields["block"].default


@st.cache_resource(max_entries=4, show_spinner=False)
def listed_line(line: Line) -> tuple[list[Item], list[str]]:
    """List the images in a line's folder, and a sentence on each that cannot be read. Do not modify the result.

    Raises:
        ValueError: If there are no images, none can be read, or one has no date and the order needs it.
    """
    assert line.folder is not None
    return list_line(line.folder, order=line.order)


def score_line(source: Source, line: Line, items: Sequence[Item]) -> ScoredLine:
    """Score a line's images with a progress bar, and keep the result.

    Args:
        source: The checkpoint.
        line: The line.
        items: Its images, in order of time.

    Raises:
        ValueError: If the checkpoint cannot be used or has no held-out images, or a limit of the server is exceeded;
            the message says why.
    """
    key, title = line_key(source, line), line.name
    stop_if_cancelled(key, title=title)
    with take_turn(key, title=title):
        present = kept_lines().get(key)  # another session may have scored it by now
        if present is not None:
            return present
        rules.count_computation(len(items))
        run = run_of(source)
        scoring = resolve_scoring(run)
        with st.spinner("Choosing the fixed threshold", show_time=True):
            fixed = fix_threshold(run, scoring, quantile=run.config.threshold_quantile)
        batches = track_progress(scoring_batches(items, run.config), title=title, key=key)
        scores = collect_scores(detect(run.detector, batches, scoring))
        with st.spinner("Measuring the shift", show_time=True):
            scored = measure_line(run, items, scores, fixed=fixed, block=BLOCK)
        keep(kept_lines(), key, scored)
    return scored
