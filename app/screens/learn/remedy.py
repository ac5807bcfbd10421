"""Learn, step 8: adapting to a new domain; first a prediction of how many normal images it takes, then the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app import query_keys as keys
from app.controls.adaptation import forget_unless, offered_sizes
from app.screens.learn.lessons import Case, bundled_cases, bundled_tasks, shift_result
from app.screens.learn.remedies import (
    ALARMS,
    CLOSE,
    Remedy,
    describe_remedy,
    describe_size,
    find_remedy,
    largest_gain,
)
from app.screens.learn.step import CHOICES, LessonStep, describe_case, draw, offer_reveal, show_origin
from app.words import exact_percent, percent
from gnl_core.plots.style import ACCENT, ANOMALOUS, GREY, NORMAL

if TYPE_CHECKING:
    from gnl_core.plots.tray_sizes import SizePanel

REVEALED = "revealed_remedies"  # session key of the shifts whose result is shown
NONE, MORE = "none", "more"
FIRST_GUESS = "8"
UNADAPTED = "as it is"
TEXT = f"""\
Whoever moves a camera has some images of the new domain. **Adapting** learns from them what the domain has in common,
and removes it from the features or from the anomaly map; it also chooses a new threshold. Nothing is trained again.

**Predict first.** How many *normal* images of the new domain does the detector need until it holds again? That is: an
AUROC at most {CLOSE:g} below its in-distribution value, and false alarms for at most {exact_percent(ALARMS)} of the
other normal images. Guess, then reveal the result."""


class Prediction(NamedTuple):
    """The case, the visitor's guess, and whether the truth is revealed.

    Attributes:
        case: The shift.
        sizes: The numbers of images adapted to.
        guess: One of these numbers, 0 for no image, or None for more than any of them.
        revealed: Whether the truth is revealed.
    """

    case: Case
    sizes: tuple[int, ...]
    guess: int | None
    revealed: bool


def ask() -> Prediction:
    """Draw the choice of the shift, initially the one where adapting gains most, the guess, and the button."""
    cases = bundled_cases(bundled_tasks())
    with st.container(key=CHOICES):
        best = max(cases, key=lambda name: largest_gain(find_remedy(cases[name], sizes_of(cases[name]))))
        shifted = st.selectbox(
            "Shift",
            list(cases),
            index=list(cases).index(best),
            format_func=lambda name: describe_case(cases[name]),
            key=keys.REMEDIED_SHIFT,
            bind="query-params",
        )
    sizes = sizes_of(cases[shifted])
    options = (NONE, *map(str, sizes), MORE)
    forget_unless(keys.NEEDED, options)
    guess = st.select_slider(
        "Your guess: normal images needed", options, value=FIRST_GUESS, key=keys.NEEDED, bind="query-params"
    )
    number = None if guess == MORE else 0 if guess == NONE else int(guess)
    return Prediction(cases[shifted], sizes, number, offer_reveal(REVEALED, shifted))


def sizes_of(case: Case) -> tuple[int, ...]:
    """Select the numbers of normal images that a shift can provide."""
    return offered_sizes(shift_result(case).shifted.scores.label, known_normal=True)


def show(prediction: Prediction, large: bool) -> None:
    """Draw AUROC and error rates over the number of images, and compare the guess with the truth."""
    from gnl_core.plots.tray_sizes import tray_size_curves  # noqa: PLC0415 (Plotly takes a second to import)

    remedy = find_remedy(prediction.case, prediction.sizes)
    outcome = verdict(remedy, prediction)
    steps = [UNADAPTED, *map(str, prediction.sizes)]
    guessed = None if prediction.guess is None else steps[(0, *prediction.sizes).index(prediction.guess)]
    draw(
        tray_size_curves(steps, panels_of(remedy, revealed=prediction.revealed), guess=guessed),
        key="remedy",
        alt=f"AUROC, false alarms and misses over the number of normal images adapted to. {outcome}".replace("*", ""),
        large=large,
    )
    st.markdown(outcome)
    st.caption(
        "Dotted: what is to be reached. Dashed: your guess. Each pair of values is of the same images, without those "
        "adapted to; the grey values are those without adapting."
    )
    counts = ", ".join(str(step.n_normal) for step in remedy.steps)
    show_origin(prediction.case.task.plain, about=f"n = {counts} normal images, from left to right")


def panels_of(remedy: Remedy, *, revealed: bool) -> list[SizePanel]:
    """Build both panels; until the truth is revealed, only the values of the detector as it is are drawn."""
    from gnl_core.plots.tray_sizes import SizeCurve, SizePanel  # noqa: PLC0415 (as above)

    drawn = remedy.steps if revealed else remedy.steps[:1]
    aurocs = [
        SizeCurve("without adapting", GREY, "circle", [step.unadapted for step in drawn]),
        SizeCurve("adapted", ACCENT, "diamond", [step.auroc for step in drawn]),
    ]
    errors = [
        SizeCurve("false alarms", NORMAL, "circle", [step.false_alarms for step in drawn]),
        SizeCurve("misses", ANOMALOUS, "diamond", [step.misses for step in drawn]),
    ]
    lowest = min(remedy.goal, *(min(step.auroc, step.unadapted) for step in remedy.steps))
    return [
        SizePanel("AUROC", aurocs, goal=remedy.goal, bounds=(lowest, 1.0), tick_format=".2f"),
        SizePanel("Errors", errors, goal=ALARMS, bounds=(0.0, 1.0), tick_format=".0%"),
    ]


def verdict(remedy: Remedy, prediction: Prediction) -> str:
    """Compare the guess with the truth."""
    guess = describe_size(prediction.guess, prediction.sizes)
    if not prediction.revealed:
        return f"As it is, false alarms are {percent(remedy.steps[0].false_alarms)}. You expect: **{guess}**."
    judgement = "You were right" if prediction.guess == remedy.needed else f"You guessed that {guess}"
    return f"{judgement}. {describe_remedy(remedy)}"


REMEDY = LessonStep("What to do about it", TEXT, ask, show)
