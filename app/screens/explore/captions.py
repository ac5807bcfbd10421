"""What stands below the figures of Explore: how to read them, and how far the shown domain is shifted."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.view import View
from app.display.histograms import COLOURS
from app.methods import DETECTOR_NAMES
from app.scoring import ScoringResult, shift_score_of
from app.words import AUROC_HELP, NO_SHIFT_SCORE, SHIFT_SCORE_HELP, exact_percent, name_of

UNLABELLED_COLOUR = "  :gray[■] not labelled"


def explain_figures(results: list[ScoringResult], *, unlabelled: bool) -> None:
    """The legend, and the images that the threshold was chosen on.

    Args:
        results: The methods on the page.
        unlabelled: Whether grey bars have to be explained too.
    """
    colours = COLOURS + UNLABELLED_COLOUR if unlabelled else COLOURS
    thresholds = told_once({short_name(found): threshold_note(found) for found in results})
    st.caption(f"{colours}  ·  dotted: the threshold; {thresholds}", help=AUROC_HELP)


def threshold_note(found: ScoringResult) -> str:
    """Which images a method's threshold was chosen on, and how many."""
    kind, count = ("held-out normal", found.n_held_out) if found.n_held_out else ("normal", len(found.training.score))
    share = exact_percent(found.threshold_quantile)
    return f"{share} of {kind} training images (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count:,}) stay below"


def show_shift(place: DeltaGenerator, results: list[ScoringResult], view: View) -> None:
    """How far both domains lie from the training images; a dash and the reason for checkpoints that cannot tell.

    Methods without references are left out.

    Args:
        place: Where to write it; the measuring can take a moment.
        results: The methods on the page.
        view: What it is about.
    """
    notes, measured = {}, ""
    with place.container(), st.spinner("Measuring the shift"):
        for found in results:
            checkpoint = found.request.checkpoint
            shifted = shift_score_of(checkpoint, view.shifted)
            base = shift_score_of(checkpoint, view.spec.in_distribution)
            if shifted is not None and base is not None:
                notes[short_name(found)] = f"{shifted:.1f} ({view.sides[0].lower()} {base:.1f})"
                measured = ", measured without labels"
            elif checkpoint.has_references:
                notes[short_name(found)] = NO_SHIFT_SCORE
    if notes:
        place.caption(f"Shift score {told_once(notes)}{measured}", help=SHIFT_SCORE_HELP)
    else:
        place.empty()


def told_once(notes: dict[str, str]) -> str:
    """A note by itself where it holds for all methods, else each behind the methods that it holds for."""
    named: dict[str, list[str]] = {}
    for name, note in notes.items():
        named.setdefault(note, []).append(name)
    if len(named) == 1:
        return next(iter(named))
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in named.items())


def short_name(found: ScoringResult) -> str:
    """A method's name without the strength of matching."""
    return name_of(DETECTOR_NAMES, found.request.checkpoint.config.detector)
