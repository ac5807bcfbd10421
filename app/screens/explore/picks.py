"""The choice and the order of the gallery's images on Explore."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.controls.selection import BETWEEN, unmark_bars
from app.scoring import AdaptedDomain, DomainResult, ScoringRequest, ScoringResult, ranks

BY_SCORE = ("Most anomalous", "Most normal")
BY_MATCHING = ("Rescued by FDM", "Hurt by FDM", "Failed with and without", "Moved most by FDM")
BY_ADAPTING = ("Rescued by adapting", "Hurt by adapting", "Failed before and after", "Moved most by adapting")
KINDS_HELP = (
    "Rescued: on the wrong side of the threshold without matching or adapting, on the right side with it. Hurt: the "
    "reverse. Moved most: largest change of rank among the scores."
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
    def request(self) -> ScoringRequest:
        """What its scores and maps are computed with: adapted, without matching."""
        return self.result.request.at(0.0) if self.adapted else self.result.request

    @property
    def title(self) -> str:
        """The method's name."""
        return self.result.shifted_title if self.shifted else self.result.request.title

    @property
    def adapted(self) -> AdaptedDomain | None:
        """How the method is adapted to this domain; None if it is not."""
        return self.result.adapted if self.shifted else None

    @property
    def standardised(self) -> bool:
        """Whether its maps are standardised by position."""
        return self.adapted is not None and self.adapted.found.ways.standardise

    @property
    def numbers(self) -> NDArray[np.intp]:
        """Numbers of the images in the domain, from 1; those adapted to are left out."""
        return (self.adapted.rows if self.adapted else np.arange(len(self.scores))) + 1

    @property
    def mistaken(self) -> NDArray[np.bool_]:
        """Which images are false alarms or misses of the method's threshold."""
        label = self.domain.scores.label
        above = self.scores > (self.result.shifted_threshold if self.shifted else self.result.threshold)
        return ((label == 0) & above) | ((label == 1) & ~above)


def choose_kind(place: DeltaGenerator, changes: tuple[str, ...]) -> str:
    """Choose which images to show: by their score, or by what matching or adapting changes, if there is a change."""
    kinds = (*BY_SCORE, *changes)
    if st.session_state.get(keys.ORDER) not in kinds:
        st.session_state.pop(keys.ORDER, None)
    chosen: str = place.selectbox("Show", kinds, key=keys.ORDER, bind="query-params", help=KINDS_HELP, width=220)
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
    step = (high - low) / STEPS
    bounds: Any = place.slider(
        "Scores", low, high, key=BETWEEN, step=step, format="%.2f", width=220, on_change=unmark_bars
    )
    return float(bounds[0]), float(bounds[1])


def pick_rows(seen: ScoredDomain, before: ScoredDomain | None, *, kind: str) -> NDArray[np.intp]:
    """Select and order the images of a kind.

    Args:
        seen: The scored domain.
        before: The same without matching or adapting; needed for the kinds in BY_MATCHING and BY_ADAPTING.
        kind: One of BY_SCORE, BY_MATCHING or BY_ADAPTING.

    Returns:
        Positions in the scores.
    """
    descending = np.argsort(-seen.scores, kind="stable")
    if kind == BY_SCORE[1]:
        return np.argsort(seen.scores, kind="stable")
    if before is None or kind == BY_SCORE[0]:
        return descending
    if kind in (BY_MATCHING[3], BY_ADAPTING[3]):
        moved = np.abs(ranks(seen.scores) - ranks(before.scores))
        return np.argsort(-moved, kind="stable")
    rescued, hurt, failed = (
        before.mistaken & ~seen.mistaken,
        ~before.mistaken & seen.mistaken,
        before.mistaken & seen.mistaken,
    )
    chosen = dict(zip((*BY_MATCHING[:3], *BY_ADAPTING[:3]), (rescued, hurt, failed) * 2, strict=True))[kind]
    return descending[chosen[descending]]
