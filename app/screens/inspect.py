"""Inspect: one image under each method with and without matching, and why a score is what it is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.answers import ask
from app.cache import Checkpoint
from app.methods import DETECTOR_NAMES
from app.screens.explore_figures import select_checkpoint
from app.screens.explore_finding import describe_origin
from app.screens.explore_scoring import STRENGTHS, choose_scoring
from app.screens.explore_selection import adopt_selection
from app.screens.explore_view import View, checkpoints_of, choose_view, say_untrained
from app.screens.inspect_maps import Cell, Row, SeenRow, compare, look_each
from app.screens.inspect_reasons import show_reasons
from app.screens.inspect_subject import Chosen, choose_subject
from app.screens.inspect_taking import offer_image
from app.screens.links import address_of, link_to_inspect
from app.words import INSPECT_STRENGTH_HELP, name_of

MAPS, REASONS = 3.3, 2.7  # widths of the two halves
SELECT_PX = 320  # of the choice of a checkpoint


def page() -> None:
    """Draw the page from top to bottom."""
    adopt_selection(STRENGTHS)
    view, everything = choose_view()
    if view is None:
        return
    try:
        inspect(view, checkpoints_of(view, everything))
    except (ValueError, OSError) as error:
        st.error(f"This image cannot be shown: {error}")


def inspect(view: View, checkpoints: list[Checkpoint]) -> None:
    """The image, its maps, and the reasons."""
    chosen, strength, settings = choose_image(view, checkpoints)
    rows, untrained = ask_methods(view, checkpoints, strength=strength, settings=settings)
    say_untrained(view, untrained, remedy="The page Explore trains one.")
    seen = [row for [row] in look_each(rows, [chosen.subject])]
    panels(chosen, seen)
    for row in seen:
        say_origin(row.off)
    if seen:
        offer_image(view, chosen, seen)
    if chosen.number:  # Streamlit leaves choices that came along from another page out of the address bar
        address = address_of(view, [row.off for row in rows], strength=strength)
        link_to_inspect(address, side=chosen.side, number=chosen.number, label="Link to this view")


@st.fragment
def panels(chosen: Chosen, rows: list[SeenRow]) -> None:
    """The maps on the left, and why one of them has its score on the right."""
    left, right = st.columns((MAPS, REASONS), gap="large")
    with left:
        compare(chosen, rows)
    if rows:
        show_reasons(chosen.subject, rows, left=left, right=right)


def choose_image(view: View, checkpoints: list[Checkpoint]) -> tuple[Chosen, float, dict[str, Any]]:
    """The row of choices below the view's: which image, how to score, and how strongly to match."""
    image, *scoring = st.columns((7, 1.6, 2), vertical_alignment="bottom")
    with image:
        chosen = choose_subject(view, checkpoints, sides=view.sides)
    strength, settings = choose_scoring(scoring, about_strength=INSPECT_STRENGTH_HELP)
    return chosen, strength, settings


def ask_methods(
    view: View, checkpoints: list[Checkpoint], *, strength: float, settings: dict[str, Any]
) -> tuple[list[Row], list[str]]:
    """Each method that has a checkpoint, without matching and with it; and the methods that have none."""
    found = choose_checkpoints(view, checkpoints)
    rows = [
        Row(
            off=ask(checkpoint, style_weight=0.0, **settings),
            on=ask(checkpoint, style_weight=strength, **settings) if checkpoint.has_references else None,
        )
        for checkpoint in found.values()
        if checkpoint is not None
    ]
    return rows, [detector for detector, checkpoint in found.items() if checkpoint is None]


def choose_checkpoints(view: View, checkpoints: list[Checkpoint]) -> dict[str, Checkpoint | None]:
    """The checkpoint of each method that is shown, or None; asked for only where there are several."""
    chosen: dict[str, Checkpoint | None] = {}
    with st.container(horizontal=True):
        for detector in view.detectors:
            own = [checkpoint for checkpoint in checkpoints if checkpoint.config.detector == detector]
            if len(own) > 1:
                with st.container(width=SELECT_PX):
                    chosen[detector] = select_checkpoint(detector, own)
            else:
                chosen[detector] = next(iter(own), None)
    return chosen


def say_origin(cell: Cell) -> None:
    """Where a method's numbers come from."""
    checkpoint = cell.question.checkpoint
    st.caption(
        f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: n = {cell.n_training:,} training images · "
        f"{describe_origin(checkpoint)}"
    )
