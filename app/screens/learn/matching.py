"""Learn, step 6: matching distributions by hand, and on a channel of a real image."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.display.components import PAGE, component, read
from app.scoring import make_request
from app.screens.learn.lessons import LessonData, subject_in
from app.screens.learn.step import CHOICES, LessonStep, choose_image, choose_task, show_origin
from app.sources import source_of
from gnl_core.names import domain_name

COUNT = 12
LOW, HIGH, STEP = -5.0, 5.0, 0.1
SEED = 5
START_STRENGTH = 0.5
TEXT = """\
At test time, GNL changes the features themselves. A **channel** is one number of the list at every position of the
image. **Feature distribution matching** (FDM) sorts a channel's values and those of normal training images, and moves
each value toward the reference value of the same **rank**:

(1 − α) · own value + α · reference value

At **strength** α = 0, nothing changes; at 1, the channel has exactly the reference's values. Ranks never change: the
largest value stays the largest, but the style is removed."""


def ask() -> tuple[LessonData, int]:
    """Choose the image whose channel is shown below the dozen numbers."""
    with st.container(key=CHOICES):
        task = choose_task()
        return task, choose_image(task, 0, st)


def show(chosen: tuple[LessonData, int], large: bool) -> None:
    """Draw the sliders at once, and the real channel when its features are computed."""
    task, row = chosen
    in_browser("by_hand")(key="by_hand", data=starting_numbers())
    with st.spinner("Computing features", show_time=True):
        channel = real_channel(task, row)
    in_browser("channel")(key="channel", data=channel)
    run = task.improved
    show_origin(run, about=f"stage 1, reference: mean of {run.config.reference_count} training images")


def in_browser(name: str) -> Any:
    """Return one of the two components that match in the browser."""
    return component(
        name, html=read(f"{name}.html"), css=("matching.css",), js=(f"{PAGE}/ranks.js", "matching.js", f"{name}.js")
    )


def starting_numbers() -> dict[str, Any]:
    """Return a dozen widely spread values and a dozen narrowly spread reference values, always the same."""
    generator = np.random.default_rng(SEED)
    return {
        "values": draw_numbers(generator, mean=1.0, deviation=2.2),
        "reference": draw_numbers(generator, mean=-1.5, deviation=0.9),
        "strength": START_STRENGTH,
        "low": LOW,
        "high": HIGH,
        "step": STEP,
    }


def draw_numbers(generator: np.random.Generator, *, mean: float, deviation: float) -> list[float]:
    """Draw random numbers with one decimal, within the sliders' range."""
    drawn: list[float] = np.clip(generator.normal(mean, deviation, COUNT), LOW, HIGH).round(1).tolist()
    return drawn


def real_channel(task: LessonData, row: int) -> dict[str, Any]:
    """Return the channel of stage 1 that matching moves most, of a normal image under shift.

    Raises:
        ValueError: If the checkpoint cannot be used; the message says why.
    """
    from app.inspection import reasons  # noqa: PLC0415 (PyTorch takes seconds to import)

    shifted = task.spec.shifted[0]
    request = make_request(task.improved, style_weight=1.0)
    stage = reasons(source_of(task.improved), subject_in(task, shifted, row), request.scoring).stages[0]
    if stage.reference is None:
        raise ValueError("this checkpoint stores no references to match with; run make checkpoints to train it again")
    before, reference = stage.before[stage.farthest], stage.reference[stage.farthest]
    caption = (
        f"Stage 1, channel {stage.farthest + 1}, of the normal image {domain_name(shifted)}: {len(before):,} values, "
        f"mean {before.mean():.2f}; the reference's mean is {reference.mean():.2f}."
    ).replace("-", "−")
    return {
        "values": before.tolist(),
        "reference": reference.tolist(),
        "strength": START_STRENGTH,
        "caption": caption,
    }


MATCHING = LessonStep("Matching distributions", TEXT, ask, show)
