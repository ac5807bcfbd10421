"""Computations of the page Follow. Imports PyTorch: import it only after drawing the choices."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.compute import keep, run_of
from app.progress import stop_if_cancelled, track_progress
from app.server import rules
from app.sources import Source
from app.turns import take_turn
from gnl_core.adaptation.following import FixedThreshold, cut_blocks, follow
from gnl_core.datasets.base import Item
from gnl_core.datasets.ordering import Order
from gnl_core.runs.following import FollowedLine, FollowSettings, fix_threshold, list_line
from gnl_core.runs.scoring import input_batches, resolve_scoring, scoring_batches
from gnl_core.scoring import collect_scores, detect, explain_missing_shift, measure_shift

BLOCK: int = FollowSettings.model_fields["block"].default


class Line(NamedTuple):
    """The images in a folder, in order of time.

    Attributes:
        folder: The folder.
        version: Changes with the folder's images.
        order: What decides the order.
    """

    folder: Path
    version: str
    order: Order


class ScoredLine(NamedTuple):
    """A line as one run scores it.

    Attributes:
        names: File name of each image.
        score: Score of each image, shape (n,).
        fixed: The run's own threshold.
        shift_scores: Shift score of each block of images; None where there is none.
        no_shift_score: The reason if a method that supports shift scores has none.
    """

    names: tuple[str, ...]
    score: NDArray[np.float64]
    fixed: FixedThreshold
    shift_scores: tuple[float | None, ...]
    no_shift_score: str | None


@st.cache_resource(show_spinner=False)
def kept_lines() -> dict[tuple[str, ...], ScoredLine]:
    """Return the lines scored so far, shared by all sessions."""
    return {}


def line_key(source: Source, line: Line) -> tuple[str, ...]:
    """Identify the scores of a line uniquely."""
    return source.sha256, str(source.data_root), source.version, *map(str, line)


@st.cache_resource(max_entries=4, show_spinner=False)
def listed_line(line: Line) -> tuple[list[Item], list[str]]:
    """List a line's images, and a sentence on each that cannot be read. Do not modify the result.

    Raises:
        ValueError: If there are no images, none can be read, or one has no date and the order needs it.
    """
    return list_line(line.folder, order=line.order)


def score_line(source: Source, line: Line) -> ScoredLine:
    """Score a line's images with a progress bar, and keep the result.

    Raises:
        ValueError: If the checkpoint cannot be used or has no held-out images, or a limit of the server is exceeded;
            the message says why.
    """
    key, (items, _) = line_key(source, line), listed_line(line)
    title = line.folder.name
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
        blocks = [items[start : start + BLOCK] for start in range(0, len(items), BLOCK)]
        with st.spinner("Measuring the shift", show_time=True):
            shift_scores = tuple(measure_shift(run.detector, input_batches(block, run.config)) for block in blocks)
        names = tuple(item.path for item in items)
        scored = ScoredLine(names, scores.score, fixed, shift_scores, explain_missing_shift(run.detector))
        keep(kept_lines(), key, scored)
    return scored


def let_follow(scored: ScoredLine, settings: FollowSettings) -> FollowedLine:
    """Let a threshold follow a scored line.

    Raises:
        ValueError: As for `gnl_core.adaptation.following.follow`.
    """
    following = follow(
        scored.score, scored.fixed, window=settings.window, minimum=settings.minimum, most_drift=settings.at_most
    )
    return FollowedLine(
        names=scored.names,
        following=following,
        blocks=tuple(cut_blocks(following, size=BLOCK)),
        shift_scores=scored.shift_scores,
        no_shift_score=scored.no_shift_score,
        settings=settings,
    )
