"""Learn, step 5: augmented views of an image, and their distances in GNL's two terms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from app import query_keys as keys
from app.screens.learn.lessons import LessonData, plain_scores, subject_in
from app.screens.learn.step import CHOICES, LessonStep, Picture, choose_image, choose_task, draw, draw_row, show_origin
from app.sources import source_of
from app.words import capitalised
from gnl_core.names import DETECTOR_NAMES, name_of

LARGEST_SEED = 9999
TEXT = """\
GNL teaches the student more than RD4AD does. From each training image it makes **views** with the same content in
another style: **AugMix** mixes random changes of tone and sharpness, **grayscale** removes the colour. Two added loss
terms demand that a view agrees with the image:

- the **embedding term**: in the embedding,
- the **low-level term**: in the finest reconstructed features.

Both are cosine distances; 0 means agreement. Draw again. Is GNL's distance smaller than RD4AD's? And how far do the
views reach, compared with the real shift?"""


class Drawn(NamedTuple):
    """A normal image and the seed of its views."""

    task: LessonData
    row: int
    seed: int


def ask() -> Drawn:
    """Draw the choice of the image and of the seed, and the button that draws other views."""
    with st.container(key=CHOICES):
        task = choose_task()
        row = choose_image(task, 0, st)
        seed = st.number_input("AugMix seed", 0, LARGEST_SEED, key=keys.DRAW, bind="query-params")
    st.button("Draw again", key="draw_again", type="primary", on_click=draw_again)
    return Drawn(task, row, seed)


def draw_again() -> None:
    """Advance to the next seed."""
    st.session_state[keys.DRAW] = (st.session_state[keys.DRAW] + 1) % (LARGEST_SEED + 1)


def show(drawn: Drawn, large: bool) -> None:
    """Draw the views, and both terms for both methods."""
    from app.screens.learn.encoding import views  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.plots.lessons import agreement_bars  # noqa: PLC0415 (Plotly takes a second to import)

    task = drawn.task
    result = views(
        tuple(source_of(run) for run in task.runs),
        subject_in(task, task.spec.in_distribution, drawn.row),
        subject_in(task, task.spec.shifted[0], drawn.row),
        seed=drawn.seed,
        operations=task.spec.augmix_operations,
    )
    draw_row([Picture(pixels, capitalised(name), f"Image: {name}") for name, pixels in result.pictures.items()])
    altered = list(result.pictures)[1:]
    methods = [name_of(DETECTOR_NAMES, run.config.detector) for run in task.runs]
    terms = {
        heading: {
            (capitalised(view), method): getattr(result.distances[run][place], term)
            for place, view in enumerate(altered)
            for run, method in enumerate(methods)
        }
        for heading, term in (("Embedding", "embedding"), ("Low-level", "low_level"))
    }
    values = "; ".join(
        f"{heading} of {view}, {method}: {value:.3f}"
        for heading, rows in terms.items()
        for (view, method), value in rows.items()
    )
    draw(agreement_bars(terms), key="agreement", alt=f"Cosine distances from the original. {values}", large=large)
    st.caption(
        "Cosine distance from the original image; each column has its own axis. Grayscale is computed from the "
        "normalised image, hence its tint."
    )
    normal = int(np.sum(plain_scores(task).label == 0))
    show_origin(*task.runs, about=f"one of {normal} normal images, AugMix seed {drawn.seed}")


VIEWS = LessonStep("Views that must agree", TEXT, ask, show)
