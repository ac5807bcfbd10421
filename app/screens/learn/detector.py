"""Learn, step 1: teacher, student and their distance, on a normal and an anomalous image."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from app import query_keys as keys
from app.display.maps import draw_colour_bar
from app.display.painter import PAINT_HELP
from app.scoring import map_scale, scores_of
from app.screens.learn.lessons import plain_scores, subject_in, unmatched
from app.screens.learn.painting import show_painting
from app.screens.learn.step import LessonStep, Pair, Picture, choose_pair, draw_row, show_origin
from app.sources import source_of
from app.words import LABEL_WORDS, capitalised, exact_percent
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE
from gnl_core.runs.domains import TRAIN

COLUMNS = ("Image", "Teacher", "Student", "Anomaly map")
TEXT = """\
An anomaly detector of this kind learns from **normal** images alone. A frozen **teacher**, trained on ordinary
photographs, describes each position of an image by a list of numbers: its **features**. A **student** reconstructs
these features, but is trained on normal images only.

On the right, similar colours mean similar features. Where student and teacher disagree, their **distance** is large.
The **anomaly map** sums the distances for every pixel; its maximum is the image's **score**.

Choose other images, or paint a defect: does the map show what is wrong?"""


class Choice(NamedTuple):
    """Two images, and whether the visitor paints on the normal one."""

    pair: Pair
    painting: bool


def ask() -> Choice:
    """Choose the images, and whether to paint."""
    pair = choose_pair()
    painting = st.toggle("Paint on the normal image", key=keys.PAINT, bind="query-params", help=PAINT_HELP)
    return Choice(pair, painting)


def show(choice: Choice, large: bool) -> None:
    """Draw the painter, or a row of pictures for each image."""
    if choice.painting:
        show_painting(choice.pair.task, choice.pair.normal)
    else:
        show_rows(choice.pair)


def show_rows(pair: Pair) -> None:
    """Draw a row of pictures for each image, with common colours."""
    from app.inspection import score_image  # noqa: PLC0415 (PyTorch takes seconds to import)
    from app.screens.learn.encoding import encoded  # noqa: PLC0415 (as above)
    from gnl_core.plots.features import direction_colours, lay_out_cells  # noqa: PLC0415 (goes with them)
    from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

    request, source = unmatched(pair.task.plain), source_of(pair.task.plain)
    domain = pair.task.spec.in_distribution
    subjects = [subject_in(pair.task, domain, row) for row in (pair.normal, pair.anomalous)]
    features = [encoded(source, subject, request.scoring) for subject in subjects]
    taught, rebuilt = direction_colours([maps.teacher[0] for maps in features], [maps.student[0] for maps in features])
    upper = map_scale(request, scores_of(request, TRAIN))
    for subject, encoded_maps, *cells in zip(subjects, features, taught, rebuilt, strict=True):
        scored = score_image(source, subject, request.scoring)
        st.markdown(f"**{capitalised(subject.shown)}**, {LABEL_WORDS[subject.label]}: score **{scored.score:.2f}**")
        coloured = [] if scored.anomaly_map is None else [colour_map(scored.anomaly_map, upper=upper)]
        size = (encoded_maps.image.shape[1], encoded_maps.image.shape[2])
        laid_out = [lay_out_cells(picture, size=size, grid=encoded_maps.grids[0]) for picture in cells]
        named = zip((subject.image, *laid_out, *coloured), COLUMNS, strict=False)
        draw_row([Picture(picture, name, f"{name}: {subject.shown}") for picture, name in named])
    draw_colour_bar(f"{upper:.2f}: {exact_percent(MAP_SCALE_QUANTILE)} of training maps stay below")
    show_origin(pair.task.plain, about=f"two of {len(plain_scores(pair.task).label)} images, features of stage 1")


DETECTOR = LessonStep("What the detector does", TEXT, ask, show)
