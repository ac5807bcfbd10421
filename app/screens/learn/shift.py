"""Learn, step 2: what a shift does to a histogram; first a prediction, then the result."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from app import query_keys as keys
from app.display.histograms import COLOURS, panel, shared_axes
from app.scoring import ScoringResult
from app.screens.learn.lessons import Case, bundled_cases, bundled_tasks, shift_result
from app.screens.learn.step import CHOICES, LessonStep, describe_case, draw, offer_reveal, show_origin
from app.words import capitalised, exact_percent, percent
from gnl_core.names import domain_name
from gnl_core.percentages import round_percent
from gnl_core.plots.histograms import Panel

REVEALED = "revealed"  # session key of the shifts whose result is shown
TEXT = """\
The detector raises an alarm if a score exceeds a **threshold**: here, a score that nearly all of the normal images held
out from training stay below.

Now light, background or sharpness change: a **distribution shift**. The objects are as normal or as faulty as before,
and the detector is the same; only the pictures look different.

**Predict first.** What share of the *normal* images under shift will score above the threshold? Each of them is a
**false alarm**. Set your guess, then reveal the result."""


class Prediction(NamedTuple):
    """The case, the visitor's guess in percent, and whether the truth is revealed."""

    case: Case
    guess: int
    revealed: bool


def ask() -> Prediction:
    """Draw the choice of the shift, the guess, and the button."""
    cases = bundled_cases(bundled_tasks())
    with st.container(key=CHOICES):
        shifted = st.selectbox(
            "Shift",
            list(cases),
            format_func=lambda name: describe_case(cases[name]),
            key=keys.SHOWN_SHIFT,
            bind="query-params",
        )
    guess = st.slider(
        "Your guess: normal images above the threshold", 0, 100, 50, format="%d %%", key=keys.GUESS, bind="query-params"
    )
    return Prediction(cases[shifted], guess, offer_reveal(REVEALED, shifted))


def show(prediction: Prediction, large: bool) -> None:
    """Draw the histograms, and state how far the guess was off."""
    from gnl_core.plots.prediction import prediction_histograms  # noqa: PLC0415 (Plotly takes a second to import)

    result = shift_result(prediction.case)
    axes = shared_axes([result.in_distribution.scores, result.shifted.scores])
    outcome = verdict(result, prediction)
    draw(
        prediction_histograms(
            panels_of(result, prediction), axes, threshold=result.threshold, revealed=prediction.revealed
        ),
        key="prediction",
        alt=f"Score histograms in-distribution and shifted. {outcome}",
        large=large,
    )
    st.markdown(outcome)
    share = exact_percent(result.threshold_quantile)
    st.caption(f"{COLOURS}  ·  dotted: the threshold; {share} of the held-out images score below it")
    normals = result.in_distribution.report.n_normal, result.shifted.report.n_normal
    show_origin(
        prediction.case.task.plain,
        about=f"n = {normals[0]} and {normals[1]} normal images, {result.n_held_out} held out for the threshold",
    )


def panels_of(result: ScoringResult, prediction: Prediction) -> tuple[Panel, Panel]:
    """Build both histograms; the shifted one shows no error rates until the truth is revealed."""
    case = prediction.case
    names = (case.task.spec.in_distribution, case.shifted)
    before, after = (capitalised(domain_name(name)) for name in names)
    guess = f"your guess: false alarms <b>{percent(prediction.guess / 100)}</b>"
    hidden = Panel(result.shifted.scores, shifted=True, title=after, note=guess, footnote="")
    shifted = panel(result.shifted, shifted=True, title=after)
    return panel(result.in_distribution, shifted=False, title=before), shifted if prediction.revealed else hidden


def verdict(result: ScoringResult, prediction: Prediction) -> str:
    """Compare the guess with the truth."""
    before, truth = result.in_distribution.report.false_alarm_rate, result.shifted.report.false_alarm_rate
    if not prediction.revealed or truth is None or before is None:
        return f"You expect **{percent(prediction.guess / 100)}** false alarms under this shift."
    off = prediction.guess - round_percent(truth)
    judgement = f"You were {abs(off):g} points {'above' if off > 0 else 'below'}" if off else "You were right"
    return (
        f"You guessed **{percent(prediction.guess / 100)}**; it is **{percent(truth)}**, against {percent(before)} "
        f"in-distribution. {judgement}."
    )


SHIFTED = LessonStep("What a shift does", TEXT, ask, show)
