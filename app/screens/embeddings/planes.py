"""The planes on which the page Embeddings draws images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.screens.embeddings.states import Embedding
from app.words import percent

if TYPE_CHECKING:
    from gnl_core.metrics.embedding import Frame, Group, Points

CONTRAST, PRINCIPAL = "shift and anomaly", "principal components"
AXES_HELP = (
    "Shift and anomaly: along the direction from in-distribution to shifted normal images, and, at right angles to it, "
    "from these to shifted anomalies, both as in the first panel. An image is drawn along directions that were fitted "
    "to the other half of the images. Principal components: the two directions in which the training images vary most."
)


class Plane(NamedTuple):
    """A plane of an embedding, the same in every state.

    Attributes:
        titles: What lies along its two axes.
        place: Places a group of images on it, shape (n, 2), in the frame's unit.
        about: How it was fitted.
    """

    titles: tuple[str, str]
    place: Callable[[Group], Points]
    about: str


def choose_plane(embedding: Embedding) -> Plane:
    """Choose what lies along the axes."""
    planes = planes_of(embedding)
    if len(planes) == 1:
        return planes[PRINCIPAL]
    chosen = st.segmented_control(
        "Axes", list(planes), default=CONTRAST, required=True, key="axes", bind="query-params", help=AXES_HELP
    )
    return planes[chosen or CONTRAST]


def planes_of(embedding: Embedding) -> dict[str, Plane]:
    """Return the planes by name; that of shift and anomaly only if there are images of both domains to fit it to."""
    contrast = contrast_plane(embedding)
    return ({CONTRAST: contrast} if contrast else {}) | {PRINCIPAL: principal_plane(embedding.frame)}


def principal_plane(frame: Frame) -> Plane:
    """Return the plane of the training images' first two principal components."""
    from gnl_core.metrics.embedding import project  # noqa: PLC0415 (scikit-learn takes a second to import)

    def place(group: Group) -> Points:
        return project(frame, group.points, frame.axes)

    first, second = (
        f"{rank} principal component ({percent(share)} of the variance)"
        for rank, share in zip(("1st", "2nd"), frame.explained, strict=True)
    )
    return Plane((first, second), place, "The plane is that of the training images' first two principal components.")


def contrast_plane(embedding: Embedding) -> Plane | None:
    """Return the plane along the shift and the anomaly as the method is; None without images to fit it to."""
    from gnl_core.metrics.embedding import contrast_axes, half_of, project_unseen  # noqa: PLC0415 (as above)

    here, there = (placed.group for placed in embedding.states[0].sides)
    fitted = [
        contrast_axes(embedding.frame, half_of(here, second=second), half_of(there, second=second))
        for second in (False, True)
    ]
    if fitted[0] is None or fitted[1] is None:
        return None
    other = "anomaly, at right angles to it" if len(there.anomalous) else "1st principal component, at right angles"
    return Plane(
        ("shift", other),
        partial(project_unseen, embedding.frame, axes=(fitted[0], fitted[1])),
        "Each image is drawn along directions that were fitted to the other half of the images.",
    )
