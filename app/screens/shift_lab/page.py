"""Shift lab: any corruption at five severities, on one image and on a whole domain."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.data import Data
from app.controls.image import Chosen, choose_subject, first_normal, list_labels
from app.controls.links import SHIFT_LAB, Address, address_of, link_to_page
from app.controls.requests import choose_requests
from app.controls.scoring import choose_scoring
from app.controls.unavailable import check_asked
from app.controls.view import FIRST_SEVERITY, View, report_untrained
from app.display.view import draw_view
from app.screens.shift_lab.curves import curves, head
from app.screens.shift_lab.scoring import score_next
from app.screens.shift_lab.thumbnails import MODE, compare_thumbnails, show_thumbnails
from app.words import CORRUPTION_HELP
from gnl_core.datasets.corruptions import CORRUPTIONS
from gnl_core.datasets.shifts import shifted_domain
from gnl_core.names import corruption_name
from gnl_core.runs.adapted_scores import TrayChoice

FIRST_CORRUPTION = "gaussian_noise"
ADAPTING = (2, 2, 3)  # widths of the choice, the number of images and the rest


def page() -> None:
    """Draw the page from top to bottom."""
    if st.session_state.get(keys.SHIFT) not in CORRUPTIONS:  # another page's shift may be a domain
        st.session_state.pop(keys.SHIFT, None)
    draw_view(experiment, named="This", shift=choose_corruption)


def choose_corruption(_: str, data: Data, place: DeltaGenerator) -> str:
    """Choose the corruption applied to the in-distribution domain."""
    offered = [FIRST_CORRUPTION, *(name for name in CORRUPTIONS if name != FIRST_CORRUPTION)]
    chosen = place.selectbox(
        "Corruption",
        offered,
        format_func=corruption_name,
        key=keys.SHIFT,
        bind="query-params",
        help=CORRUPTION_HELP,
    )
    check_asked(keys.SHIFT, "Corruption", chosen, offered, format_func=corruption_name)
    return shifted_domain(data.spec.in_distribution, f"{chosen}:{FIRST_SEVERITY}")


def experiment(view: View, checkpoints: list[Checkpoint]) -> None:
    """Draw one image above, the whole set below; first everything that needs no detector."""
    chosen, strength, settings = choose_image(view, checkpoints)
    rows, untrained = choose_requests(view, checkpoints, strength=strength, settings=settings)
    address = address_of(view, [row.off for row in rows], strength=strength)
    thumbnails = show_thumbnails(chosen, view, address=address)
    about_maps = st.container()
    report_untrained(view, untrained, remedy="Train one on the page Explore.")
    if not rows:
        return
    place = st.container()
    with place:
        head(view)
        choice = choose_adaptation(view, checkpoints)
        button = curves(view, rows, choice)
        if chosen.number:  # the address bar lacks choices taken over from another page
            own: Address = {key: str(st.session_state[key]) for key in (MODE, keys.SEVERITY) if key in st.session_state}
            link_to_page(SHIFT_LAB, "Link to this view", address | own | {keys.IMAGE: str(chosen.number)})
    with about_maps:
        usable = compare_thumbnails(thumbnails, rows)
    score_next(view, usable, choice, place=button)


def choose_adaptation(view: View, checkpoints: list[Checkpoint]) -> TrayChoice | None:
    """Choose whether to adapt the methods to each severity, and to which images."""
    return choose_tray(
        st.columns(ADAPTING, vertical_alignment="bottom")[:2], list_labels(view, checkpoints, view.spec.in_distribution)
    )


def choose_image(view: View, checkpoints: list[Checkpoint]) -> tuple[Chosen, float, dict[str, Any]]:
    """Draw the second row of choices: image, scoring and strength of matching."""
    image, *scoring = st.columns((7, 1.6, 2), vertical_alignment="bottom")
    with image:
        chosen = choose_subject(view, checkpoints, sides=view.sides[:1], first=first_normal)
    strength, settings = choose_scoring(scoring)
    return chosen, strength, settings
