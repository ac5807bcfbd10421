"""An image whose rank matching makes worse, and why, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.display.maps import draw_colour_bar
from app.display.pictures import enlarge
from app.scoring import make_request, map_scale, ranks, scores_of
from app.screens.learn.lessons import LessonData, Matched, subject_in, unmatched
from app.screens.learn.step import Picture, draw_row
from app.sources import source_of
from app.words import LABEL_WORDS, capitalised, signed
from gnl_core.datasets import TRAIN

if TYPE_CHECKING:
    from app.inspection import Reasons
    from app.subjects import Subject

RING_PX = 9
NEAR_PX = 4  # in the detector's pixels: a position of stage 1
PLACES = {  # whether the map's maximum is at the marked defect, without matching and with it
    (True, True): "The map's maximum (ring) is at the defect both times.",
    (True, False): "The map's maximum (ring) was at the defect, and no longer is.",
    (False, True): "The map's maximum (ring) moves to the defect, where the map is lower.",
    (False, False): "The map's maximum (ring) is not at the defect either time: the shift makes this score.",
}


def most_worsened(found: Matched) -> NDArray[np.intp]:
    """The images in the order in which matching moves them to the wrong side: normal ones up, anomalous ones down."""
    climb = ranks(found.on.score) - ranks(found.off.score)
    return np.argsort(np.where(found.off.label == 0, -climb, climb), kind="stable")


def show_worsened(task: LessonData, found: Matched, row: int) -> None:
    """An image, its maps without and with matching, its rank in both, and why.

    Args:
        task: The data set and its runs.
        found: The domain.
        row: The image's row in the scores.
    """
    from app.inspection import reasons  # noqa: PLC0415 (PyTorch takes seconds to import)

    subject = subject_in(task, found.name, row)
    requests = (unmatched(task.improved), make_request(task.improved, style_weight=1.0))
    both = [reasons(source_of(task.improved), subject, request.scoring) for request in requests]
    upper = max(map_scale(request, scores_of(request, TRAIN)) for request in requests)
    before, after = (1 + int(ranks(scores.score)[row]) for scores in (found.off, found.on))
    st.markdown(
        f"**{capitalised(subject.shown)}**, {LABEL_WORDS[subject.label]}: rank **{before}** → **{after}** "
        f"of {len(found.off.score)}, from the lowest score"
    )
    draw_row(
        [
            Picture(subject.image, "Image", f"Image of {subject.shown}"),
            draw_map(both[0], subject, name="Without matching", upper=upper),
            draw_map(both[1], subject, name="Matched", upper=upper),
        ]
    )
    draw_colour_bar(f"{upper:.2f}" + ("" if subject.mask is None else "; white line: the defect"))
    usual = float(np.median(found.on.score) - np.median(found.off.score))
    st.markdown(f"{tell_change(stage_changes(*both), usual)} {tell_place(both, subject)}")


def draw_map(found: Reasons, subject: Subject, *, name: str, upper: float) -> Picture:
    """An anomaly map with a ring at its maximum and the defect's outline, if one is marked."""
    from gnl_core.plots.maps import colour_map, outline, ring  # noqa: PLC0415 (matplotlib takes a second to import)

    summed = np.sum([stage.distances for stage in found.stages], axis=0)
    side = 2 * len(summed)
    coloured = enlarge(colour_map(summed, upper=upper), side_px=side)
    if subject.mask is not None:
        coloured = outline(coloured, enlarge(subject.mask, side_px=side))
    row, column = (2 * at for at in found.peak)
    return Picture(
        ring(coloured, row=row, column=column, radius_px=RING_PX),
        f"{name}: {summed.max():.2f}",
        f"Anomaly map, {name.lower()}, score {summed.max():.2f}",
    )


def stage_changes(off: Reasons, on: Reasons) -> list[float]:
    """What matching does to each stage's part of the score."""
    return [after.at_peak - before.at_peak for before, after in zip(off.stages, on.stages, strict=True)]


def tell_change(changes: list[float], usual: float) -> str:
    """What matching does to the image's score, beside what it does to others.

    Args:
        changes: To each stage's part of this image's score.
        usual: To the domain's median score.
    """
    parts = ", ".join(f"stage {number} {signed(change)}" for number, change in enumerate(changes, start=1))
    return (
        f"Matching moves the median score of this domain by {signed(usual)}, that of this image by "
        f"{signed(sum(changes))} ({parts})."
    )


def tell_place(both: list[Reasons], subject: Subject) -> str:
    """Whether the scores come from the defect, where one is marked."""
    if subject.mask is None:
        return "What the ring marks is where its score comes from."
    side = len(both[0].stages[0].distances)
    marked = np.argwhere(enlarge(subject.mask, side_px=side))
    off, on = (bool(np.abs(marked - found.peak).max(axis=1).min() <= NEAR_PX) for found in both)
    return PLACES[off, on]
