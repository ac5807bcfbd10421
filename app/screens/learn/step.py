"""The parts of a step of Learn, and elements that several steps share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.display.downloads import chart_config
from app.display.pictures import enlarge, picture_url
from app.screens.learn.lessons import Case, LessonData, bundled_tasks, plain_scores, row_of, typical_row
from gnl_core.config import RunConfig
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, TEACHER_NAMES, domain_name, name_of

NARROWEST_PX = 64  # minimum width of a picture, so that a row stays a row on a phone
CHOICES = "learn_choices"  # hidden in lecture mode
PROJECTOR = 1.35  # scale of charts and their text in lecture mode
TYPICAL_HELP = "Initially the image whose score is nearest to the median of its label."
IMAGES = {0: (keys.NORMAL_IMAGE, "Normal image"), 1: (keys.ANOMALOUS_IMAGE, "Anomalous image")}  # key and name by label


class LessonStep(NamedTuple):
    """A step, which explains one idea.

    Attributes:
        title: Its title.
        text: Its text, at most 90 words.
        ask: Draws the choices below the text and returns what is chosen.
        show: Draws the figure for what is chosen; larger, for a projector, if the second argument is true.
    """

    title: str
    text: str
    ask: Callable[[], Any]
    show: Callable[[Any, bool], None]


class Picture(NamedTuple):
    """A picture in a row.

    Attributes:
        pixels: RGB, shape (H, W, 3).
        caption: The text below it.
        alternative: Its alternative text.
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
    """Choose one of the bundled data sets."""
    tasks = bundled_tasks()
    chosen = st.segmented_control(
        "Images",
        list(tasks),
        default=next(iter(tasks)),
        required=True,
        format_func=lambda dataset: f"{name_of(DATASET_NAMES, dataset)}, normal: {tasks[dataset].normal_class}",
        key=keys.LESSON,
        bind="query-params",
    )
    return tasks[chosen or next(iter(tasks))]


def choose_pair() -> Pair:
    """Choose a data set and an image of each label; initially those with typical scores."""
    with st.container(key=CHOICES):
        task = choose_task()
        places = st.columns(2)
        normal, anomalous = (choose_image(task, label, place) for label, place in enumerate(places))
    return Pair(task, normal, anomalous)


def choose_image(task: LessonData, label: int, place: Any) -> int:
    """Choose an image by its number within a label, initially a typical one; return its row in the scores."""
    scores = plain_scores(task)
    count = int((scores.label == label).sum())
    prefix, name = IMAGES[label]
    number = place.number_input(
        f"{name} (of {count:,})",
        1,
        count,
        value=1 + typical_row(scores, label),
        key=f"{prefix}{task.dataset}",
        bind="query-params",
        help=TYPICAL_HELP,
    )
    return row_of(scores, label, number - 1)


def describe_case(case: Case) -> str:
    """Name a shift in a list."""
    return f"{name_of(DATASET_NAMES, case.task.dataset)}: {domain_name(case.shifted)}"


def offer_reveal(key: str, shifted: str) -> bool:
    """Draw the button that reveals the result of a shift or hides it again; return whether it is revealed.

    Args:
        key: Session key of the shifts revealed in this step.
        shifted: The shift.
    """
    revealed = st.session_state.setdefault(key, set())
    if shifted in revealed:
        st.button("Guess again", key="hide", on_click=revealed.discard, args=(shifted,))
    else:
        st.button("Reveal", key="reveal", type="primary", on_click=revealed.add, args=(shifted,))
    return shifted in revealed


def draw(figure: Any, *, key: str, alt: str, large: bool) -> None:
    """Draw a chart of a step, larger for a projector.

    Args:
        figure: A Plotly figure.
        key: Its widget key, and part of the name of its file when saved.
        alt: Its alternative text.
        large: Whether it is for a projector.
    """
    from gnl_core.plots.lessons import enlarge  # noqa: PLC0415 (Plotly takes a second to import)

    shown = enlarge(figure, PROJECTOR) if large else figure
    st.plotly_chart(shown, key=key, config=chart_config(f"gnl-{key}"), alt=alt)


def draw_row(pictures: Sequence[Picture]) -> None:
    """Draw pictures side by side."""
    grid = st.grid(len(pictures), min_column_width=NARROWEST_PX, wrap=False, gap="xsmall")
    for picture in pictures:
        with grid.cell(), st.container(gap="xxsmall"):
            st.image(picture_url(enlarge(picture.pixels)), width="stretch", alt=picture.alternative)
            st.caption(picture.caption)


def show_origin(*checkpoints: Checkpoint, about: str) -> None:
    """Show where a figure comes from: which images and which runs.

    Args:
        checkpoints: The runs behind it, of one task and of different methods.
        about: The images behind it.
    """
    runs = {run.config.detector: run.sha256 for run in checkpoints}
    st.caption(name_origin(checkpoints[0].config, runs, about=about))


def name_origin(config: RunConfig, runs: Mapping[str, str], *, about: str) -> str:
    """Name the images and runs behind a figure.

    Args:
        config: The settings of one of the runs, all of one task.
        runs: Detector to the SHA-256 of its checkpoint.
        about: The images behind the figure.
    """
    rendered = ["rendered data"] if config.dataset == "parts" else []
    named = ", ".join(f"{name_of(DETECTOR_NAMES, detector)} {sha256[:8]}" for detector, sha256 in runs.items())
    parts = [about, *rendered, f"seed {config.seed}", f"checkpoint {named}", name_of(TEACHER_NAMES, config.teacher)]
    return " · ".join(parts)
