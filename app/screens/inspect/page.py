"""Inspect: one image scored by each method, without and with matching or adapted, and the reasons for its score."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.image import Chosen, choose_subject, list_labels
from app.controls.links import address_of, link_to_inspect
from app.controls.requests import choose_requests
from app.controls.scoring import choose_scoring
from app.controls.view import View, report_untrained
from app.display.adaptation import describe_tray
from app.display.painter import PAINT_HELP, Painted
from app.display.provenance import describe_origin
from app.display.smallest_stroke import show_smallest
from app.display.unreadable import reporting_errors
from app.display.view import draw_view
from app.engines import engines_here
from app.image_scoring import ImageResult, RequestPair, ResultPair, adapt_pairs, score_images
from app.screens.inspect.adaptation import AdaptedTo
from app.screens.inspect.downloads import offer_image
from app.screens.inspect.maps import show_image, show_maps
from app.screens.inspect.reasons import show_reasons
from app.words import plain
from gnl_core.names import DETECTOR_NAMES, name_of

IMAGE = "This image"  # in a message that it cannot be shown
MAPS, REASONS = 3.3, 2.7  # column widths
ADAPTING = (2, 2, 2.4, 1.6)  # widths of the choice, the number of images, the note, and the toggle for painting
IMAGE_AND_MAPS = {False: (1, 1, 1), True: (3, 2, 2)}  # widths, by whether the visitor paints


def page() -> None:
    """Draw the page from top to bottom."""
    draw_view(inspect, named=IMAGE)


def inspect(view: View, checkpoints: list[Checkpoint]) -> None:
    """Draw the image, its maps, and the reasons for its score."""
    chosen, strength, settings = choose_image(view, checkpoints)
    adaptation, painting = choose_adaptation(view, chosen, checkpoints)
    rows, untrained = choose_requests(view, checkpoints, strength=strength, settings=settings)
    report_untrained(view, untrained, remedy="Train one on the page Explore.")
    show_scored(view, chosen, rows, adaptation, painting)
    if chosen.number:  # the address bar lacks choices taken over from another page
        address = address_of(view, [row.off for row in rows], strength=strength)
        link_to_inspect(address, side=chosen.side, number=chosen.number, label="Link to this view")


def choose_adaptation(view: View, chosen: Chosen, checkpoints: list[Checkpoint]) -> tuple[AdaptedTo | None, bool]:
    """Draw the third row of choices: adapt the methods to the shifted domain, and paint on the image."""
    *places, note, last = st.columns(ADAPTING, vertical_alignment="bottom")
    choice = choose_tray(places, list_labels(view, checkpoints, view.shifted))
    painting = last.toggle("Paint a defect", key=keys.PAINT, bind="query-params", help=PAINT_HELP)
    if choice is None:
        return None, painting
    if chosen.side == view.sides[0]:
        note.caption("This image is in-distribution. Adapting acts on the shifted domain alone.")
        return None, painting
    note.caption(f"{describe_tray(choice)}, drawn from the shifted domain")
    return AdaptedTo(view.shifted, choice), painting


def score_subject(rows: list[RequestPair], chosen: Chosen, adaptation: AdaptedTo | None) -> list[ResultPair]:
    """Score the image with each method, without matching, and with it or adapted."""
    if adaptation is None:
        return [row for [row] in score_images(rows, [chosen.subject])]
    unmatched = [row for [row] in score_images([row._replace(on=None) for row in rows], [chosen.subject])]
    return adapt_pairs(unmatched, chosen.subject, shifted=adaptation.domain, choice=adaptation.choice)


@st.fragment
def show_scored(
    view: View, chosen: Chosen, requests: list[RequestPair], adaptation: AdaptedTo | None, painting: bool
) -> None:
    """Draw the image, on which the visitor can paint, and everything that follows from its pixels."""
    with reporting_errors(IMAGE):
        draw_scored(view, chosen, requests, adaptation, painting)


def draw_scored(
    view: View, chosen: Chosen, requests: list[RequestPair], adaptation: AdaptedTo | None, painting: bool
) -> None:
    """Draw image and maps on the left, the reasons for one of the scores on the right, and the downloads below."""
    left, right = st.columns((MAPS, REASONS), gap="large")
    image, *places = left.columns(IMAGE_AND_MAPS[painting])
    maps, below = left.container(), left.container()
    with image:
        shown = show_image(chosen, painting=painting, below=below)
    with maps:
        rows = score_subject(requests, shown.chosen, adaptation)
        unpainted = rows if shown.chosen is chosen else score_subject(requests, chosen, adaptation)
        show_maps(places, shown, rows, unpainted)
        if shown.painted and unpainted:
            show_smallest_of(chosen, shown.painted, unpainted, adaptation)
    if rows:
        show_reasons(shown.chosen.subject, rows, adaptation, places=(left, right))
    for row in rows:
        show_origin(row.off)
    if rows:
        offer_image(view, shown.chosen, rows, adaptation and adaptation.choice)


def show_smallest_of(
    chosen: Chosen, painted: Painted, unpainted: list[ResultPair], adaptation: AdaptedTo | None
) -> None:
    """Show the smallest stroke that raises an alarm, by each method."""
    domain, choice = adaptation or ("", None)
    cells = [cell for row in unpainted for cell in row.cells]
    show_smallest(chosen.subject, painted.stroke, cells, domain=domain, choice=choice)


def choose_image(view: View, checkpoints: list[Checkpoint]) -> tuple[Chosen, float, dict[str, Any]]:
    """Draw the second row of choices: image, scoring and strength of matching."""
    image, *scoring = st.columns((7, 1.6, 2), vertical_alignment="bottom")
    with image:
        chosen = choose_subject(view, checkpoints, sides=view.sides)
    strength, settings = choose_scoring(scoring)
    return chosen, strength, settings


def show_origin(cell: ImageResult) -> None:
    """Show where a method's numbers come from."""
    checkpoint = cell.request.checkpoint
    st.caption(
        f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)}: n = {cell.n_training:,} training images · "
        f"{plain(describe_origin(checkpoint, engines_here(checkpoint)))}"
    )
