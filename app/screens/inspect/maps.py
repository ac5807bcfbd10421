"""The maps of Inspect: the image under each method, without and with matching, or adapted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.controls.image import Chosen
from app.display.maps import describe, draw_image, draw_map, explain_scales
from app.display.pictures import picture_url
from app.image_scoring import ImageResult, ResultPair
from app.subjects import Subject
from app.words import percent

if TYPE_CHECKING:
    pass

NO_MAP = "This method has no features to match, or its checkpoint stores no references."
SHARE_NOTE = "“Above … of training”: the share of the training images with a lower score."


def compare(chosen: Chosen, rows: list[ResultPair]) -> None:
    """Draw the image, and beside it a row of maps for each method."""
    image, *places = st.columns(3)
    with image:
        st.markdown(f"**{chosen.title}**")
        picture_place, caption_place = st.empty(), st.container()
        opacity = st.slider("Opacity of the maps", 0, 100, 70, 5, format="%d %%", key="opacity", bind="query-params")
        revealed = st.slider("Reveal from the left", 0, 100, 100, 5, format="%d %%", key="reveal", bind="query-params")
    picture = picture_url(draw_image(chosen.subject))
    picture_place.image(picture, width="stretch", alt=f"{chosen.title}, {chosen.subject.shown}")
    caption_place.markdown(f":small[{describe(chosen)}]")
    for row in rows:
        for place, cell in zip(places, row, strict=True):
            with place:
                if cell is None:
                    st.caption(NO_MAP)
                else:
                    show_cell(chosen.subject, cell, opacity=opacity / 100, revealed=revealed / 100)
    if rows:
        explain_scales([cell for row in rows for cell in row.cells], captions=SHARE_NOTE)


def show_cell(subject: Subject, cell: ImageResult, *, opacity: float, revealed: float) -> None:
    """Draw one map over the image, with the score and what it compares with."""
    st.markdown(f"**{cell.title}**")
    st.image(
        picture_url(draw_map(subject, cell, opacity=opacity, revealed=revealed)),
        width="stretch",
        alt=f"Anomaly map of {cell.title}, score {cell.image_score.score:.2f}",
    )
    st.markdown(f"**{cell.image_score.score:.3f}** :small[{compare_score(cell)}]")


def compare_score(cell: ImageResult) -> str:
    """Compare the score with the training images' scores; an adapted one, maybe in another unit, with its threshold."""
    if cell.adapted is None:
        return f"above {percent(cell.share_below)} of training"
    threshold = cell.adapted.threshold.value
    side = "above" if cell.image_score.score > threshold else "not above"
    return f"{side} threshold {threshold:.2f}"
