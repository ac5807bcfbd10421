"""Inspect: one image scored by each method, without and with matching or adapted, and the reasons for its score."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.fdm import STRENGTHS
from app.controls.image import Chosen, choose_subject, list_labels
from app.controls.links import address_of, link_to_inspect
from app.controls.requests import choose_requests
from app.controls.scoring import choose_scoring
from app.controls.selection import adopt_selection
from app.controls.view import View, checkpoints_of, choose_view, report_untrained
from app.display.adaptation import describe_tray
from app.display.provenance import describe_origin
from app.image_scoring import ImageResult, RequestPair, ResultPair, adapt_pairs, score_images
from app.screens.inspect.adaptation import AdaptedTo
from app.screens.inspect.downloads import offer_image
from app.screens.inspect.maps import compare
from app.screens.inspect.reasons import show_reasons
from app.words import INSPECT_STRENGTH_HELP, plain
from gnl_core.names import DETECTOR_NAMES, name_of

MAPS, REASONS = 3.3, 2.7  # column widths
ADAPTING = (2, 2, 3)  # widths of the choice, the number of images, and the note


def page() -> None:
    """Draw the page from top to bottom."""
    adopt_selection(STRENGTHS)
    view, everything = choose_view()
    if view is None:
        return
    try:
        inspect(view, checkpoints_of(view, everything))
    except (ValueError, OSError) as error:
        st.error(f"This image cannot be shown: {plain(error)}")


def inspect(view: View, checkpoints: list[Checkpoint]) -> None:
    """Draw the image, its maps, and the reasons for its score."""
    chosen, strength, settings = choose_image(view, checkpoints)
    adaptation = choose_adaptation(view, chosen, checkpoints)
    rows, untrained = choose_requests(view, checkpoints, strength=strength, settings=settings)
    report_untrained(view, untrained, remedy="Train one on the page Explore.")
    seen = score_subject(rows, chosen, adaptation)
    panels(chosen, seen, adaptation)
    for row in seen:
        show_origin(row.off)
    if seen:
        offer_image(view, chosen, seen, adaptation and adaptation.choice)
    if chosen.number:  # the address bar lacks choices taken over from another page
        address = address_of(view, [row.off for row in rows], strength=strength)
        link_to_inspect(address, side=chosen.side, number=chosen.number, label="Link to this view")


def choose_adaptation(view: View, chosen: Chosen, checkpoints: list[Checkpoint]) -> AdaptedTo | None:
    """Choose whether to adapt the methods to the shifted domain; an in-distribution image is taken as it is."""
    *places, note = st.columns(ADAPTING, vertical_alignment="bottom")
    choice = choose_tray(places, list_labels(view, checkpoints, view.shifted))
    if choice is None:
        return None
    if chosen.side == view.sides[0]:
        note.caption("This image is in-distribution. Adapting acts on the shifted domain alone.")
        return None
    note.caption(f"{describe_tray(choice)}, drawn from the shifted domain")
    return AdaptedTo(view.shifted, choice)


def score_subject(rows: list[RequestPair], chosen: Chosen, adaptation: AdaptedTo | None) -> list[ResultPair]:
    """Score the image with each method, without matching, and with it or adapted."""
    if adaptation is None:
        return [row for [row] in score_images(rows, [chosen.subject])]
    unmatched = [row for [row] in score_images([row._replace(on=None) for row in rows], [chosen.subject])]
    return adapt_pairs(unmatched, chosen.subject, shifted=adaptation.domain, choice=adaptation.choice)


@st.fragment
def panels(chosen: Chosen, rows: list[ResultPair], adaptation: AdaptedTo | None) -> None:
    """Draw the maps on the left, and the reasons for one of the scores on the right."""
    left, right = st.columns((MAPS, REASONS), gap="large")
    with left:
        compare(chosen, rows)
    if rows:
        show_reasons(chosen.subject, rows, adaptation, places=(left, right))


def choose_image(view: View, checkpoints: list[Checkpoint]) -> tuple[Chosen, float, dict[str, Any]]:
    """Draw the second row of choices: image, scoring and strength of matching."""
    image, *scoring = st.columns((7, 1.6, 2), vertical_alignment="bottom")
    with image:
        chosen = choose_subject(view, checkpoints, sides=view.sides)
    strength, settings = choose_scoring(scoring, about_strength=INSPECT_STRENGTH_HELP)
    return chosen, strength, settings


def show_origin(cell: ImageResult) -> None:
    """Show where a method's numbers come from."""
    checkpoint = cell.request.checkpoint
    st.caption(
        f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: n = {cell.n_training:,} training images · "
        f"{plain(describe_origin(checkpoint))}"
    )
