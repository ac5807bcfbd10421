"""Learn, step 2: what a shift does to a histogram. First a guess, then the truth."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from app.display.histograms import COLOURS, panel, shared_axes
from app.scoring import ScoringResult
from app.screens.learn.lessons import Case, bundled_cases, bundled_tasks, shift_answer
from app.screens.learn.step import CHOICES, LessonStep, draw, say_origin
from app.words import DATASET_NAMES, capitalised, domain_name, exact_percent, name_of, percent
from gnl_core.plots.histograms import Panel

SHIFT, GUESS, REVEALED = "shown_shift", "guess", "revealed"
TEXT = """\
To raise an alarm, one needs a **threshold**: here a score that nearly all of the normal images held out from
training for this purpose stay below.

Now light, background or sharpness change: a **distribution shift**. The objects are as normal or as faulty as before,
and the detector is the same; only the pictures look different.

**Predict first.** Of the *normal* images under shift, what share will score above the old threshold? Each of them is a
**false alarm**. Set your guess, then reveal."""


class Prediction(NamedTuple):
    """What is asked, what somebody expects, and whether the truth is on the table."""

    case: Case
    guess: int
    revealed: bool


def ask() -> Prediction:
    """The shift, the guess, and the button."""
    cases = bundled_cases(bundled_tasks())
    with st.container(key=CHOICES):
        shifted = st.selectbox(
            "Shift", list(cases), format_func=lambda name: describe(cases[name]), key=SHIFT, bind="query-params"
        )
    guess = st.slider(
        "Your guess: normal images above the threshold", 0, 100, 50, format="%d %%", key=GUESS, bind="query-params"
    )
    revealed = st.session_state.setdefault(REVEALED, set())
    if shifted in revealed:
        st.button("Guess again", key="hide", on_click=revealed.discard, args=(shifted,))
    else:
        st.button("Reveal", key="reveal", type="primary", on_click=revealed.add, args=(shifted,))
    return Prediction(cases[shifted], guess, shifted in revealed)


def describe(case: Case) -> str:
    """How a shift is called in the list."""
    return f"{name_of(DATASET_NAMES, case.task.dataset)}: {domain_name(case.shifted)}"


def show(asked: Prediction, large: bool) -> None:
    """The histograms, and how far the guess was off."""
    from gnl_core.plots.prediction import prediction_histograms  # noqa: PLC0415 (Plotly takes a second to import)

    found = shift_answer(asked.case)
    axes = shared_axes([found.in_distribution.scores, found.shifted.scores])
    told = verdict(found, asked)
    draw(
        prediction_histograms(panels_of(found, asked), axes, threshold=found.threshold, revealed=asked.revealed),
        key="prediction",
        alt=f"Score histograms in-distribution and shifted. {told}",
        large=large,
    )
    st.markdown(told)
    share = exact_percent(found.threshold_quantile)
    st.caption(f"{COLOURS}  ·  dotted: the threshold; {share} of the held-out images stay below")
    normals = found.in_distribution.report.n_normal, found.shifted.report.n_normal
    say_origin(
        asked.case.task.plain,
        about=f"n = {normals[0]} and {normals[1]} normal images, {found.n_held_out} held out for the threshold",
    )


def panels_of(found: ScoringResult, asked: Prediction) -> tuple[Panel, Panel]:
    """Both histograms; of the shifted one nothing is written before the truth is on the table."""
    case = asked.case
    names = (case.task.spec.in_distribution, case.shifted)
    before, after = (capitalised(domain_name(name)) for name in names)
    guess = f"your guess: false alarms <b>{percent(asked.guess / 100)}</b>"
    hidden = Panel(found.shifted.scores, shifted=True, title=after, note=guess, footnote="")
    shifted = panel(found.shifted, shifted=True, title=after)
    return panel(found.in_distribution, shifted=False, title=before), shifted if asked.revealed else hidden


def verdict(found: ScoringResult, asked: Prediction) -> str:
    """The guess beside the truth."""
    before, truth = found.in_distribution.report.false_alarm_rate, found.shifted.report.false_alarm_rate
    if not asked.revealed or truth is None or before is None:
        return f"You expect **{percent(asked.guess / 100)}** false alarms under this shift."
    off = abs(asked.guess - 100 * truth)
    told = (
        "You were right"
        if off < 0.5
        else f"You were {off:.0f} points {'above' if asked.guess > 100 * truth else 'below'}"
    )
    return (
        f"You said **{percent(asked.guess / 100)}**; it is **{percent(truth)}**, after {percent(before)} "
        f"in-distribution. {told}."
    )


SHIFTED = LessonStep("What a shift does", TEXT, ask, show)
