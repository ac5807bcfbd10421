"""The image of Inspect under each method, without matching and with it, on one colour scale."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.answers import Question, map_scale, scores_of_each
from app.methods import DETECTOR_NAMES, REVERSE_DISTILLATION
from app.screens.colour_bar import draw_colour_bar
from app.screens.explore_tiles import enlarge, without_map
from app.screens.inspect_subject import Chosen
from app.screens.pictures import picture_url
from app.sources import UNLABELLED, source_of
from app.subjects import Subject
from app.words import LABEL_WORDS, name_of, percent
from gnl_core.datasets import TRAIN
from gnl_core.metrics import exceedance
from gnl_core.records import Scores

if TYPE_CHECKING:
    from app.inspection import Seen

SIDE_PX = 256
KIND_NAMES = DETECTOR_NAMES | {REVERSE_DISTILLATION[0]: "reverse distillation"}
PLACE = "“Above … of training”: the share of the training images with a lower score."
OWN_SCALE = "Each has a scale of its own: their scores are no common measure."


class Row(NamedTuple):
    """One method as it is asked.

    Attributes:
        off: Without matching.
        on: With it; None for a method that cannot match.
    """

    off: Question
    on: Question | None

    @property
    def questions(self) -> list[Question]:
        """Those that there are."""
        return [question for question in self if question is not None]


class Cell(NamedTuple):
    """One method's answer for an image.

    Attributes:
        question: What was asked.
        seen: Score and map.
        place: Share of the training images with a lower score.
        n_training: Number of these images.
        upper: Upper end of the colour scale.
    """

    question: Question
    seen: Seen
    place: float
    n_training: int
    upper: float

    @property
    def name(self) -> str:
        """Method and matching, the same at every strength."""
        method = name_of(DETECTOR_NAMES, self.question.checkpoint.config.detector)
        return f"{method}, FDM {'on' if self.question.scoring.style_weight else 'off'}"


class SeenRow(NamedTuple):
    """One method's answers, without matching and with it."""

    off: Cell
    on: Cell | None

    @property
    def cells(self) -> Iterator[Cell]:
        """Those that there are."""
        yield from (cell for cell in self if cell is not None)

    @property
    def asked(self) -> Row:
        """The method as it was asked."""
        return Row(self.off.question, None if self.on is None else self.on.question)


def look_each(rows: Sequence[Row], subjects: Sequence[Subject]) -> list[list[SeenRow]]:
    """What each method says of the images, a list each; one that cannot answer is left out, and a sentence says why."""
    found = []
    with st.spinner("Looking at the images" if len(subjects) > 1 else "Looking at the image", show_time=True):
        for row in rows:
            try:
                found.append(look(row, subjects))
            except (ValueError, OSError) as error:
                st.error(f"{name_of(DETECTOR_NAMES, row.off.checkpoint.config.detector)} is left out: {error}")
    scaled = iter(on_shared_scales([seen for column in found for seen in column]))
    return [[next(scaled) for _ in column] for column in found]


def look(row: Row, subjects: Sequence[Subject]) -> list[SeenRow]:
    """One method's answers for images, each on the colour scale of its own training images.

    Raises:
        ValueError: If the checkpoint cannot be used; says why.
    """
    from app.inspection import seen_each  # noqa: PLC0415 (PyTorch takes seconds to import)

    questions = row.questions
    trainings = scores_of_each(questions, TRAIN)
    answers = seen_each(source_of(row.off.checkpoint), subjects, [question.scoring for question in questions])
    cells = [
        [judge(question, found, training) for found in column]
        for question, column, training in zip(questions, answers, trainings, strict=True)
    ]
    return [SeenRow(own[0], own[1] if len(own) > 1 else None) for own in zip(*cells, strict=True)]


def judge(question: Question, found: Seen, training: Scores) -> Cell:
    """An answer beside those for the training images."""
    upper = 1.0 if found.anomaly_map is None else map_scale(question, training)
    return Cell(question, found, 1 - exceedance(training.score, found.score), len(training.score), upper)


def on_shared_scales(rows: Sequence[SeenRow]) -> list[SeenRow]:
    """The largest scale for all of reverse distillation, whose maps are one measure; for others, the method's larger.

    No scale depends on the image that is looked at.
    """
    uppers: dict[str, float] = {}
    for row in rows:
        for cell in row.cells:
            kind = kind_of(cell)
            uppers[kind] = max(cell.upper, uppers.get(kind, 0.0))
    return [SeenRow(rescale(row.off, uppers), row.on and rescale(row.on, uppers)) for row in rows]


def rescale(cell: Cell, uppers: dict[str, float]) -> Cell:
    """A cell on the scale of its kind."""
    return cell._replace(upper=uppers[kind_of(cell)])


def kind_of(cell: Cell) -> str:
    """What a cell's map can be compared with."""
    detector = cell.question.checkpoint.config.detector
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector


def compare(chosen: Chosen, rows: list[SeenRow]) -> None:
    """The image, and beside it a row of maps for each method."""
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
                    st.caption("This method has no features to match, or keeps no references.")
                else:
                    show_cell(chosen.subject, cell, opacity=opacity / 100, revealed=revealed / 100)
    if rows:
        explain_scales([cell for row in rows for cell in row.cells], captions=PLACE)


def describe(chosen: Chosen) -> str:
    """What the image shows, whether it is normal, and where it is from."""
    subject = chosen.subject
    label = [] if subject.label == UNLABELLED else [LABEL_WORDS[subject.label]]
    return ", ".join([escape(subject.shown), *label, *([chosen.place] if chosen.place else [])])


def escape(text: str) -> str:
    """A name as it is, whatever Markdown would make of it."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!~$:<>|])", r"\\\1", text)


def draw_image(subject: Subject) -> NDArray[np.uint8]:
    """The image with its mask outlined, if it has one."""
    return outlined(enlarge(subject.image, side_px=SIDE_PX), subject)


def outlined(picture: NDArray[np.uint8], subject: Subject) -> NDArray[np.uint8]:
    """A picture with the outline of the image's mask, if it has one."""
    if subject.mask is None:
        return picture
    from gnl_core.plots.maps import outline  # noqa: PLC0415 (matplotlib takes a second to import)

    return outline(picture, enlarge(subject.mask, side_px=SIDE_PX))


def show_cell(subject: Subject, cell: Cell, *, opacity: float, revealed: float) -> None:
    """One map over the image, with the score and its place among the training images."""
    st.markdown(f"**{cell.question.title}**")
    st.image(
        picture_url(draw_map(subject, cell, opacity=opacity, revealed=revealed)),
        width="stretch",
        alt=f"Anomaly map of {cell.question.title}, score {cell.seen.score:.2f}",
    )
    st.markdown(f"**{cell.seen.score:.3f}** :small[above {percent(cell.place)} of training]")


def draw_map(subject: Subject, cell: Cell, *, opacity: float, revealed: float) -> NDArray[np.uint8]:
    """The map over the image; the words "scores only" for a method without maps."""
    if cell.seen.anomaly_map is None:
        return without_map(side_px=SIDE_PX)
    from gnl_core.plots.maps import colour_map, overlay  # noqa: PLC0415 (as above)

    coloured = enlarge(colour_map(cell.seen.anomaly_map, upper=cell.upper), side_px=SIDE_PX)
    picture = enlarge(subject.image, side_px=SIDE_PX)
    return outlined(overlay(picture, coloured, opacity=opacity, revealed=revealed), subject)


def explain_scales(cells: Sequence[Cell], *, captions: str) -> None:
    """The colour bar with its numbers, and what they and the captions are."""
    uppers = {kind_of(cell): cell.upper for cell in cells if cell.seen.anomaly_map is not None}
    if not uppers:
        return
    named = [
        f"{upper:.2f}" if len(uppers) == 1 else f"{upper:.2f} ({name_of(KIND_NAMES, kind)})"
        for kind, upper in uppers.items()
    ]
    draw_colour_bar(" · ".join(named))
    st.caption(
        f"{captions} One scale, whatever the image: 99.5 % of the maps of normal training images stay below its end"
        + (". " + OWN_SCALE if len(uppers) > 1 else ", under the method where they reach highest.")
    )
