"""Learn, step 1: a visitor paints on the normal image, and its anomaly map and score follow."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.display.downloads import offer_file
from app.display.maps import SIDE_PX, draw_colour_bar
from app.display.painter import Painted, compare_painted, describe_thresholds, paint_on
from app.display.pictures import enlarge, picture_url, to_png
from app.display.smallest_stroke import show_smallest
from app.image_scoring import ImageResult, RequestPair, score_images
from app.scoring import ScoringRequest
from app.screens.learn.lessons import LessonData, subject_in, unmatched
from app.screens.learn.step import show_origin
from app.subjects import Subject
from app.words import exact_percent, plain
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE


@st.fragment
def show_painting(task: LessonData, row: int) -> None:
    """Draw the painter beside the anomaly map.

    Args:
        task: The data set and its runs.
        row: The image, by its row in the scores.
    """
    request, subject = unmatched(task.plain), subject_in(task, task.spec.in_distribution, row)
    left, right = st.columns(2)
    with left:
        painted = paint_on(subject) or Painted(subject, None)
        if painted.subject is not subject:
            offer_file("Download the painted image", "painted.png", partial(to_png, painted.subject.image))
    try:
        with right:
            cell, before = (score(request, shown) for shown in (painted.subject, subject))
            show_map(cell, before)
        show_smallest(subject, painted.stroke, [before], choice=None)
    except (ValueError, OSError) as error:
        st.error(f"This image cannot be scored: {plain(error)}.")
    show_origin(task.plain, about="one normal image, which you can paint on")


def score(request: ScoringRequest, subject: Subject) -> ImageResult:
    """Score one image.

    Raises:
        ValueError: If it cannot be scored; the page says why.
    """
    rows = score_images([RequestPair(request, None)], [subject])
    if not rows:
        raise ValueError("there is no score for it, for the reason above")
    return rows[0][0].off


def show_map(cell: ImageResult, before: ImageResult) -> None:
    """Draw the map, with the score and what paint changed."""
    from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

    anomaly_map, score = cell.image_score.anomaly_map, cell.image_score.score
    st.markdown(f"Score **{score:.3f}** :small[{compare_painted(cell, before)}]")
    if anomaly_map is not None:
        coloured = enlarge(colour_map(anomaly_map, upper=cell.upper), side_px=SIDE_PX)
        st.image(picture_url(coloured), width="stretch", alt=f"Anomaly map, score {score:.2f}")
    draw_colour_bar(f"{cell.upper:.2f}: {exact_percent(MAP_SCALE_QUANTILE)} of training maps stay below")
    st.caption(describe_thresholds([cell]))
