"""The captions below the charts of Explore: how to read them, and the shift scores."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.view import View
from app.display.histograms import COLOURS
from app.display.unreadable import reporting_errors
from app.scoring import ScoringResult
from app.shift_scores import shift_score_of
from app.words import AUROC_HELP, NO_SHIFT_SCORE, SHIFT_SCORE_HELP, exact_percent
from gnl_core.names import DETECTOR_NAMES, name_of

UNLABELLED_COLOUR = "  :gray[■] not labelled"


def explain_figures(results: list[ScoringResult], *, unlabelled: bool) -> None:
    """Show the legend, and the images on which the thresholds were chosen.

    Args:
        results: The methods on the page.
        unlabelled: Whether to explain grey bars as well.
    """
    colours = COLOURS + UNLABELLED_COLOUR if unlabelled else COLOURS
    thresholds = merge_notes({short_name(result): threshold_note(result) for result in results})
    where = "the threshold in-distribution" if any(result.adapted for result in results) else "the threshold"
    st.caption(f"{colours}  ·  dotted: {where}; {thresholds}", help=AUROC_HELP)


def threshold_note(result: ScoringResult) -> str:
    """Describe the images on which a method's threshold was chosen, and their number."""
    kind, count = (
        ("held-out normal", result.n_held_out) if result.n_held_out else ("normal", len(result.training.score))
    )
    share = exact_percent(result.threshold_quantile)
    return f"{share} of {kind} training images (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count:,}) score below it"


def show_shift(place: DeltaGenerator, results: list[ScoringResult], view: View) -> None:
    """Show the shift scores of both domains; a dash and the reason for checkpoints that cannot measure them.

    Methods without references are left out.

    Args:
        place: The caption's container; measuring can take a moment.
        results: The methods on the page.
        view: The page's view.
    """
    with place.container(), reporting_errors("The shift score"):
        with st.spinner("Measuring the shift"):
            note = shift_note(results, view)
        if note:
            st.caption(note, help=SHIFT_SCORE_HELP)


def shift_note(results: list[ScoringResult], view: View) -> str:
    """Compare the methods' shift scores of both domains; "" if no method stores references.

    Raises:
        ValueError: As `shift_score_of`.
    """
    notes, measured = {}, ""
    for result in results:
        checkpoint = result.request.checkpoint
        shifted = shift_score_of(checkpoint, view.shifted)
        base = shift_score_of(checkpoint, view.spec.in_distribution)
        if shifted is not None and base is not None:
            notes[short_name(result)] = f"{shifted:.1f} ({view.sides[0].lower()} {base:.1f})"
            measured = ", measured without labels"
        elif checkpoint.has_references:
            notes[short_name(result)] = NO_SHIFT_SCORE
    return f"Shift score {merge_notes(notes)}{measured}" if notes else ""


def merge_notes(notes: dict[str, str], separator: str = "; ") -> str:
    """Join notes by method; a note that holds for all methods is given once, without names."""
    named: dict[str, list[str]] = {}
    for name, note in notes.items():
        named.setdefault(note, []).append(name)
    if len(named) == 1:
        return next(iter(named))
    return separator.join(f"{', '.join(names)}: {note}" for note, names in named.items())


def short_name(result: ScoringResult) -> str:
    """Return a method's name without the strength of matching."""
    return name_of(DETECTOR_NAMES, result.request.checkpoint.config.detector)
