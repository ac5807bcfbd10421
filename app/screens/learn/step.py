"""What the steps of Learn are made of, and what several of them show alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.checkpoints import Checkpoint
from app.display.downloads import chart_config
from app.display.pictures import enlarge, picture_url
from app.methods import DETECTOR_NAMES
from app.screens.learn.lessons import LessonData, bundled_tasks, plain_scores, row_of, typical_row
from app.words import DATASET_NAMES, TEACHER_NAMES, name_of

NARROWEST_PX = 64  # of a picture: a row stays a row on a phone
CHOICES = "learn_choices"  # hidden in lecture mode
PROJECTOR = 1.35  # how much larger letters and figures are there
TASK = "lesson"
TYPICAL_HELP = "At first the image whose score is nearest to the median of its kind."
IMAGES = {0: ("normal_image", "Normal image"), 1: ("anomalous_image", "Anomalous image")}  # key and name by label


class LessonStep(NamedTuple):
    """One idea.

    Attributes:
        title: Its name.
        text: At most 90 words.
        ask: Draws below the text what can be chosen; gives what was.
        show: Draws the figure of what was chosen; larger for a projector where the second argument says so.
    """

    title: str
    text: str
    ask: Callable[[], Any]
    show: Callable[[Any, bool], None]


class Picture(NamedTuple):
    """A picture of a row.

    Attributes:
        pixels: RGB, shape (H, W, 3).
        caption: What stands below it.
        alternative: The same for those who do not see it.
    """

    pixels: NDArray[np.uint8]
    caption: str
    alternative: str


class Pair(NamedTuple):
    """A normal and an anomalous image in-distribution, by their rows in the scores."""

    task: LessonData
    normal: int
    anomalous: int


def choose_task() -> LessonData:
    """One of the bundled data sets."""
    tasks = bundled_tasks()
    chosen = st.segmented_control(
        "Images",
        list(tasks),
        default=next(iter(tasks)),
        required=True,
        format_func=lambda dataset: f"{name_of(DATASET_NAMES, dataset)}, normal: {tasks[dataset].normal_class}",
        key=TASK,
        bind="query-params",
    )
    return tasks[chosen or next(iter(tasks))]


def choose_pair() -> Pair:
    """A data set and an image of each label; at first those that score as most of their kind do."""
    with st.container(key=CHOICES):
        task = choose_task()
        places = st.columns(2)
        normal, anomalous = (choose_image(task, label, place) for label, place in enumerate(places))
    return Pair(task, normal, anomalous)


def choose_image(task: LessonData, label: int, place: Any) -> int:
    """An image of a label by its number among those of its kind, typical at first; gives its row in the scores."""
    scores = plain_scores(task)
    count = int((scores.label == label).sum())
    key, name = IMAGES[label]
    number = place.number_input(
        f"{name}, of {count:,}",
        1,
        count,
        value=1 + typical_row(scores, label),
        key=f"{key}_{task.dataset}",
        bind="query-params",
        help=TYPICAL_HELP,
    )
    return row_of(scores, label, number - 1)


def draw(figure: Any, *, key: str, alt: str, large: bool) -> None:
    """A chart of a step, larger for a projector.

    Args:
        figure: One of plotly's.
        key: Its place, and the name of the file that it can be saved as.
        alt: The same in words.
        large: Whether it is for a projector.
    """
    from gnl_core.plots.lessons import enlarge  # noqa: PLC0415 (Plotly takes a second to import)

    shown = enlarge(figure, PROJECTOR) if large else figure
    st.plotly_chart(shown, key=key, config=chart_config(f"gnl-{key}"), alt=alt)


def draw_row(pictures: Sequence[Picture]) -> None:
    """Pictures side by side."""
    grid = st.grid(len(pictures), min_column_width=NARROWEST_PX, wrap=False, gap="xsmall")
    for picture in pictures:
        with grid.cell(), st.container(gap="xxsmall"):
            st.image(picture_url(enlarge(picture.pixels)), width="stretch", alt=picture.alternative)
            st.caption(picture.caption)


def say_origin(*checkpoints: Checkpoint, about: str) -> None:
    """What a figure is made of: how many images, and which runs.

    Args:
        checkpoints: The runs behind it, of one task.
        about: How many images, or which one.
    """
    config = checkpoints[0].config
    rendered = ["rendered data"] if config.dataset == "parts" else []
    runs = [f"{name_of(DETECTOR_NAMES, run.config.detector)} {run.sha256[:8]}" for run in checkpoints]
    parts = [about, *rendered, f"seed {config.seed}", "checkpoint " + ", ".join(runs)]
    st.caption(" · ".join([*parts, name_of(TEACHER_NAMES, config.teacher)]))
