"""An image whose rank worsens with matching, and the reasons in numbers."""

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
from gnl_core.runs.domains import TRAIN

if TYPE_CHECKING:
    from app.inspection import Reasons
    from app.subjects import Subject

RING_PX = 9
NEAR_PX = 4  # in the detector's pixels, the size of a position of stage 1
PEAK_SENTENCES = {  # whether the map's maximum is at the marked defect, without matching and with it
    (True, True): "The map's maximum (ring) is at the defect in both maps.",
    (True, False): "The map's maximum (ring) is at the defect only without matching.",
    (False, True): "The map's maximum (ring) moves to the defect, where the map has a lower value.",
    (False, False): "The map's maximum (ring) is at the defect in neither map: the score comes from the shift.",
}


def most_worsened(matched: Matched) -> NDArray[np.intp]:
    """Order the images by how far matching moves their rank the wrong way: normal ones up, anomalous ones down."""
    climb = ranks(matched.on.score) - ranks(matched.off.score)
    return np.argsort(np.where(matched.off.label == 0, -climb, climb), kind="stable")


def show_worsened(task: LessonData, matched: Matched, row: int) -> None:
    """Show an image, its maps and ranks without and with matching, and the reasons.

    Args:
        task: The data set and its runs.
        matched: The domain.
        row: The image's row in the scores.
    """
    from app.inspection import reasons  # noqa: PLC0415 (PyTorch takes seconds to import)

    subject = subject_in(task, matched.name, row)
    requests = (unmatched(task.improved), make_request(task.improved, style_weight=1.0))
    both = [reasons(source_of(task.improved), subject, request.scoring) for request in requests]
    upper = max(map_scale(request, scores_of(request, TRAIN)) for request in requests)
    before, after = (1 + int(ranks(scores.score)[row]) for scores in (matched.off, matched.on))
    st.markdown(
        f"**{capitalised(subject.shown)}**, {LABEL_WORDS[subject.label]}: rank **{before}** → **{after}** "
        f"of {len(matched.off.score)}, from the lowest score"
    )
    draw_row(
        [
            Picture(subject.image, "Image", f"Image of {subject.shown}"),
            draw_map(both[0], subject, name="Without matching", upper=upper),
            draw_map(both[1], subject, name="Matched", upper=upper),
        ]
    )
    draw_colour_bar(f"{upper:.2f}" + ("" if subject.mask is None else "; white line: the defect"))
    usual = float(np.median(matched.on.score) - np.median(matched.off.score))
    st.markdown(f"{describe_change(stage_changes(*both), usual)} {describe_peak(both, subject)}")


def draw_map(explanation: Reasons, subject: Subject, *, name: str, upper: float) -> Picture:
    """Draw an anomaly map with a ring at its maximum and the defect's outline, if marked."""
    from gnl_core.plots.maps import colour_map, outline, ring  # noqa: PLC0415 (matplotlib takes a second to import)

    summed = np.sum([stage.distances for stage in explanation.stages], axis=0)
    side = 2 * len(summed)
    coloured = enlarge(colour_map(summed, upper=upper), side_px=side)
    if subject.mask is not None:
        coloured = outline(coloured, enlarge(subject.mask, side_px=side))
    row, column = (2 * at for at in explanation.peak)
    return Picture(
        ring(coloured, row=row, column=column, radius_px=RING_PX),
        f"{name}: {summed.max():.2f}",
        f"Anomaly map, {name.lower()}, score {summed.max():.2f}",
    )


def stage_changes(off: Reasons, on: Reasons) -> list[float]:
    """Return the change of each stage's contribution to the score by matching."""
    return [after.at_peak - before.at_peak for before, after in zip(off.stages, on.stages, strict=True)]


def describe_change(changes: list[float], usual: float) -> str:
    """Compare the change of the image's score by matching with that of the domain's median.

    Args:
        changes: The change of each stage's contribution to this image's score.
        usual: The change of the domain's median score.
    """
    parts = ", ".join(f"stage {number} {signed(change)}" for number, change in enumerate(changes, start=1))
    return (
        f"Matching moves the median score of this domain by {signed(usual)}, that of this image by "
        f"{signed(sum(changes))} ({parts})."
    )


def describe_peak(both: list[Reasons], subject: Subject) -> str:
    """State whether the maps' maxima are at the defect, if one is marked."""
    if subject.mask is None:
        return "The ring marks where the score comes from."
    side = len(both[0].stages[0].distances)
    marked = np.argwhere(enlarge(subject.mask, side_px=side))
    off, on = (bool(np.abs(marked - explanation.peak).max(axis=1).min() <= NEAR_PX) for explanation in both)
    return PEAK_SENTENCES[off, on]
