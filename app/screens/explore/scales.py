"""The colour scale of the gallery's maps: that of normal training images, or that of the shown domain's own maps."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.display.maps import draw_colour_bar
from app.methods import REVERSE_DISTILLATION, WITHOUT_MAPS
from app.scoring import map_scale
from app.screens.explore.picks import ScoredDomain
from app.sources import source_of
from app.words import exact_percent
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE, scale_of_maxima

SCALES = (TRAINING_NORMALS, THIS_DOMAIN) = ("training normals", "this domain")
MOST_BEYOND = 0.5  # share of a domain's maps that may exceed the training images' scale before its own is the default
SCALE_HELP = (
    "The colours of all maps end at one value. Initially, the maps of normal training images set it, so that the same "
    "colour means the same everywhere. Under a shift that raises more than half of the maps above it, all would have "
    "the same colour; then the maps of this domain set it."
)
RANKS = "In brackets: the share of training images with a lower score."


def choose_scale(place: DeltaGenerator, seen: ScoredDomain) -> str:
    """Choose the scale of a domain's maps, if they have a choice; standardised maps have a scale of their own."""
    if seen.standardised or seen.result.request.checkpoint.config.detector in WITHOUT_MAPS:
        return TRAINING_NORMALS
    chosen: str = place.segmented_control(
        "Map scale",
        SCALES,
        default=usual_scale(seen),
        required=True,
        key=keys.MAP_SCALE,
        bind="query-params",
        help=SCALE_HELP,
    )
    return chosen


def usual_scale(seen: ScoredDomain) -> str:
    """Return the training images' scale, or under a shift that raises most maps above it, the domain's own."""
    maxima = saved_maxima(seen)
    if not seen.shifted or maxima is None:
        return TRAINING_NORMALS
    upper = map_scale(seen.result.request, seen.result.training)
    return THIS_DOMAIN if np.mean(maxima > upper) > MOST_BEYOND else TRAINING_NORMALS


def saved_maxima(seen: ScoredDomain) -> NDArray[np.float64] | None:
    """Return the largest value of each map, if that is the score; else None."""
    checkpoint, scoring = seen.result.request
    is_score = checkpoint.config.detector in REVERSE_DISTILLATION and scoring.reduction == "maximum"
    return seen.scores if is_score else None


def upper_end(seen: ScoredDomain, *, domain: str, scale: str) -> float | None:
    """Return the upper end of the colour scale: of standardised maps the threshold; None for a method without maps.

    Args:
        seen: The scored domain.
        domain: Its name.
        scale: One of SCALES.

    Raises:
        ValueError: If the checkpoint cannot be used, an image cannot be read, or a map is not finite; the message says
            why.
    """
    if seen.result.request.checkpoint.config.detector in WITHOUT_MAPS:
        return None
    if seen.standardised:
        return seen.result.shifted_threshold
    if scale == TRAINING_NORMALS:
        return map_scale(seen.result.request, seen.result.training)
    maxima = saved_maxima(seen)
    if maxima is not None:
        return scale_of_maxima(maxima)
    from app.compute import computed_domain_scale  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoint, scoring = seen.request
    choice = seen.adapted.choice if seen.adapted else None
    return computed_domain_scale(source_of(checkpoint), domain=domain, scoring=scoring, choice=choice)


def explain_scale(upper: float | None, *, scale: str, standardised: bool) -> None:
    """Draw the colour bar with its numbers, state what they are, and explain the captions of the images."""
    if upper is None:
        st.caption(f"This method gives scores only, no anomaly maps. {RANKS}")
        return
    draw_colour_bar(f"{upper:.1f}" if standardised else f"{upper:.2f}")
    if standardised:
        st.caption(
            "All maps share one scale, in standard deviations above what is usual at each place; it ends at the "
            "threshold."
        )
        return
    share = exact_percent(MAP_SCALE_QUANTILE)
    images = "of normal training images" if scale == TRAINING_NORMALS else "of all images of this domain"
    st.caption(f"All maps share one scale: {share} of the maps {images} stay below {upper:.2f}. {RANKS}")
