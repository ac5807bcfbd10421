"""The image of Inspect, on which a visitor can paint, and its maps: without and with matching, or adapted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.image import Chosen
from app.display.downloads import offer_file
from app.display.maps import describe, draw_image, draw_map, explain_scales
from app.display.painter import Painted, compare_painted, describe_thresholds, paint_on
from app.display.pictures import picture_url, to_png
from app.image_scoring import ImageResult, ResultPair
from app.seen import describe_input
from app.subjects import Subject
from app.words import percent
from gnl_core.names import DETECTOR_NAMES, name_of

NO_MAP = "This method has no features to match, or its checkpoint stores no references."
SHARE_NOTE = "“Above … of training”: the share of the training images with a lower score."


class Shown(NamedTuple):
    """The image as it is shown.

    Attributes:
        chosen: The image, painted if the visitor has painted on it.
        painted: What the painter sent; None if it is closed.
        opacity: Opacity of the maps, from 0 to 1.
        revealed: The share of the image that the maps cover, from the left.
    """

    chosen: Chosen
    painted: Painted | None
    opacity: float
    revealed: float


def show_image(chosen: Chosen, *, painting: bool, below: DeltaGenerator) -> Shown:
    """Draw the image, or the painter, and the choices of how to show the maps.

    Args:
        chosen: The image.
        painting: Whether the visitor paints.
        below: The container below the maps, for the choices: those of a painter would separate it from the maps.
    """
    title_place = st.empty()
    painted = paint_on(chosen.subject) if painting else None
    shown = chosen if painted is None else under_paint(chosen, painted.subject)
    title_place.markdown(f"**{shown.title}**")
    if painted is None:
        alternative = f"{chosen.title}, {chosen.subject.shown}"
        st.image(picture_url(draw_image(chosen.subject)), width="stretch", alt=alternative)
    with below if painting else st.container():
        st.markdown(f":small[{describe(shown)}]")
        if shown is not chosen:
            offer_file("Download the painted image", f"{shown.title}.png", partial(to_png, shown.subject.image))
        opacity = st.slider("Opacity of the maps", 0, 100, 70, 5, format="%d %%", key="opacity", bind="query-params")
        revealed = st.slider("Reveal from the left", 0, 100, 100, 5, format="%d %%", key="reveal", bind="query-params")
    return Shown(shown, painted, opacity / 100, revealed / 100)


def under_paint(chosen: Chosen, painted: Subject) -> Chosen:
    """Put a painted image in the place of an image; it is the visitor's own, without a number in the data set."""
    if painted is chosen.subject:
        return chosen
    return chosen._replace(subject=painted, title=f"{chosen.title}, painted", number=0)


def show_maps(
    places: Sequence[DeltaGenerator], shown: Shown, rows: Sequence[ResultPair], unpainted: Sequence[ResultPair]
) -> None:
    """Draw a row of maps for each method.

    Args:
        places: The columns.
        shown: The image as it is shown.
        rows: The methods' results for it.
        unpainted: Their results for the image without paint.
    """
    before = {cell.name: cell for row in unpainted for cell in row.cells}
    for row in rows:
        for place, cell in zip(places, row, strict=True):
            with place:
                if cell is None:
                    st.caption(NO_MAP)
                else:
                    show_cell(shown, cell)
                    compared = shown.painted and cell.name in before  # a method may fail on one of the two images
                    note = compare_painted(cell, before[cell.name]) if compared else compare_score(cell)
                    st.markdown(f"**{cell.image_score.score:.3f}** :small[{note}]")
    if rows:
        cells = [cell for row in rows for cell in row.cells]
        seen = describe_input(
            (name_of(DETECTOR_NAMES, checkpoint.config.detector), checkpoint.config, scoring)
            for checkpoint, scoring in (cell.request for cell in cells)
        )
        if seen:
            st.caption(seen)
        explain_scales(cells, captions=SHARE_NOTE if shown.painted is None else describe_thresholds(cells))


def show_cell(shown: Shown, cell: ImageResult) -> None:
    """Draw one map over the image, below the method's name."""
    st.markdown(f"**{cell.title}**")
    st.image(
        picture_url(draw_map(shown.chosen.subject, cell, opacity=shown.opacity, revealed=shown.revealed)),
        width="stretch",
        alt=f"Anomaly map of {cell.title}, score {cell.image_score.score:.2f}",
    )


def compare_score(cell: ImageResult) -> str:
    """Compare the score with the training images' scores; an adapted one, maybe in another unit, with its threshold."""
    if cell.adapted is None:
        return f"above {percent(cell.share_below)} of training"
    threshold = cell.adapted.threshold.value
    side = "above" if cell.image_score.score > threshold else "not above"
    return f"{side} threshold {threshold:.2f}"
