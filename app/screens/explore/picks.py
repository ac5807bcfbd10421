"""The choice and the order of the gallery's images on Explore."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app.controls.selection import BETWEEN
from app.scoring import DomainResult, ScoringResult, ranks

BY_SCORE = ("Most anomalous", "Most normal")
BY_MATCHING = ("Rescued by FDM", "Hurt by FDM", "Failed with and without", "Moved most by FDM")
KINDS_HELP = (
    "Rescued: on the wrong side of the threshold without matching, on the right side with it. Hurt: the reverse. "
    "Moved most: largest change of rank among the scores."
)
STEPS = 200


class ScoredDomain(NamedTuple):
    """One domain as scored by one method."""

    result: ScoringResult
    shifted: bool

    @property
    def domain(self) -> DomainResult:
        """The scores and their report."""
        return self.result.shifted if self.shifted else self.result.in_distribution

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores, one per image."""
        return self.domain.scores.score

    @property
    def mistaken(self) -> NDArray[np.bool_]:
        """Which images are false alarms or misses of the method's threshold."""
        label = self.domain.scores.label
        above = self.scores > self.result.threshold
        return ((label == 0) & above) | ((label == 1) & ~above)


def choose_kind(place: DeltaGenerator, *, matched: bool) -> str:
    """Choose which images to show; the choices about matching need a method that matches."""
    kinds = (*BY_SCORE, *BY_MATCHING) if matched else BY_SCORE
    if st.session_state.get("order") not in kinds:
        st.session_state.pop("order", None)
    chosen: str = place.selectbox("Show", kinds, key="order", bind="query-params", help=KINDS_HELP, width=220)
    return chosen


def choose_between(place: DeltaGenerator, scores: NDArray[np.float64]) -> tuple[float, float]:
    """Choose the range of scores: from the selected bars or the slider; initially all scores."""
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        return low, high
    if BETWEEN in st.session_state:
        first, last = (float(np.clip(end, low, high)) for end in st.session_state[BETWEEN])
        st.session_state[BETWEEN] = (min(first, last), max(first, last))
    else:
        st.session_state[BETWEEN] = (low, high)
    bounds: Any = place.slider("Scores", low, high, key=BETWEEN, step=(high - low) / STEPS, format="%.2f", width=220)
    return float(bounds[0]), float(bounds[1])


def pick_rows(seen: ScoredDomain, before: ScoredDomain | None, *, kind: str) -> NDArray[np.intp]:
    """Select and order the images of a kind.

    Args:
        seen: The scored domain.
        before: The same without matching; needed for the kinds in BY_MATCHING.
        kind: One of BY_SCORE or BY_MATCHING.

    Returns:
        Positions in the scores.
    """
    descending = np.argsort(-seen.scores, kind="stable")
    if kind == BY_SCORE[1]:
        return np.argsort(seen.scores, kind="stable")
    if before is None or kind == BY_SCORE[0]:
        return descending
    if kind == BY_MATCHING[3]:
        moved = np.abs(ranks(seen.scores) - ranks(before.scores))
        return np.argsort(-moved, kind="stable")
    chosen = {
        BY_MATCHING[0]: before.mistaken & ~seen.mistaken,
        BY_MATCHING[1]: ~before.mistaken & seen.mistaken,
        BY_MATCHING[2]: before.mistaken & seen.mistaken,
    }[kind]
    return descending[chosen[descending]]
