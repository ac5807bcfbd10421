"""Thumbnails of one image under corruptions, each above the methods' maps and scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import PIL.Image
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.controls.image import Chosen
from app.controls.links import Address, link_to_inspect
from app.controls.view import FIRST_SEVERITY, View
from app.display.maps import describe, draw_image, draw_map, explain_scales
from app.display.pictures import picture_url
from app.image_scoring import RequestPair, ResultPair, score_images
from app.screens.shift_lab.numbers import UNCHANGED, corruption_of, severity_name
from app.subjects import Subject, under_shift
from app.words import capitalised
from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES
from gnl_core.names import DETECTOR_NAMES, corruption_name, name_of

EVERY_SEVERITY, EVERY_CORRUPTION = MODES = ("Every severity", "Every corruption")
MODE = "thumbnails"
MODE_HELP = (
    "One corruption from weak to strong, or all corruptions side by side; click the name of a corruption to choose it."
)
NARROWEST_PX = 130
GAP_PX = 4  # between the maps of one method
COLUMNS = {EVERY_SEVERITY: 6, EVERY_CORRUPTION: 7}
CAPTIONS = "Left map and first number: FDM off; right map and second number: FDM on, at the strength chosen above."


class Thumbnail(NamedTuple):
    """An image, and the container below it."""

    subject: Subject
    place: DeltaGenerator


def show_thumbnails(chosen: Chosen, view: View, *, address: Address) -> list[Thumbnail]:
    """Draw the image under one corruption at every severity, or under every corruption at one severity.

    Args:
        chosen: The image.
        view: The page's view.
        address: The view, for links to Inspect.
    """
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    row.markdown(f"**{chosen.title}**  :small[{describe(chosen)}]", width="content")
    choices = row.container(horizontal=True, vertical_alignment="center", width="content")
    mode = choices.segmented_control(
        "Thumbnails", MODES, default=EVERY_SEVERITY, required=True, key=MODE, bind="query-params", help=MODE_HELP
    )
    if mode == EVERY_CORRUPTION:
        severity = choices.select_slider(
            "Severity", SEVERITIES, value=FIRST_SEVERITY, key=keys.SEVERITY, bind="query-params", width=140
        )
        shifts = {f"{name}:{severity}": partial(name_button, name) for name in CORRUPTIONS}
    else:
        corruption = corruption_of(view)
        steps = {f"{corruption}:{step}": partial(name_heading, step) for step in SEVERITIES}
        shifts = {"": partial(name_heading, UNCHANGED)} | steps
    grid = st.grid(columns=COLUMNS[mode or EVERY_SEVERITY], min_column_width=NARROWEST_PX, gap="small")
    shown = []
    for shift, heading in shifts.items():
        with grid.cell(), st.container(gap="xxsmall"):
            shown.append(show_thumbnail(chosen, shift, heading=heading))
            if chosen.number:
                link_to(chosen, view, shift, address=address)
    return shown


def show_thumbnail(chosen: Chosen, shift: str, *, heading: Callable[[], None]) -> Thumbnail:
    """Draw the image, under one corruption or unchanged, below its heading."""
    subject = corrupted(chosen.subject, shift) if shift else chosen.subject
    heading()
    alternative = f"{chosen.title} under {shift.replace(':', ', severity ')}" if shift else f"{chosen.title}, unchanged"
    st.image(picture_url(draw_image(subject)), width="stretch", alt=alternative)
    return Thumbnail(subject, st.container(gap="xxsmall"))


@st.cache_resource(
    max_entries=32, show_spinner=False, hash_funcs={Subject: lambda subject: (subject.digest, subject.path)}
)
def corrupted(subject: Subject, shift: str) -> Subject:
    """Corrupt the image; cached, because a large image takes up to a second. Do not modify the result."""
    return under_shift(subject, shift)


def name_heading(severity: int) -> None:
    """Draw the name of a severity."""
    st.markdown(f":small[**{severity_name(severity)}**]")


def name_button(corruption: str) -> None:
    """Draw the name of a corruption as a button that chooses it."""
    st.button(
        capitalised(corruption_name(corruption)),
        key=f"choose_{corruption}",
        on_click=choose,
        args=(corruption,),
        type="tertiary",
    )


def choose(corruption: str) -> None:
    """Show one corruption at every severity."""
    st.session_state[keys.SHIFT] = corruption
    st.session_state[MODE] = EVERY_SEVERITY


def link_to(chosen: Chosen, view: View, shift: str, *, address: Address) -> None:
    """Draw a link that opens the image, under this corruption, on Inspect."""
    name, _, severity = shift.partition(":")
    own: Address = {keys.SHIFT: corruption_name(name), keys.SEVERITY: severity} if shift else {}
    link_to_inspect(address | own, side=view.sides[1 if shift else 0], number=chosen.number)


def compare_thumbnails(thumbnails: Sequence[Thumbnail], rows: Sequence[RequestPair]) -> list[RequestPair]:
    """Score every thumbnail with every method, draw the results below it, and explain the colour scale.

    Returns:
        The methods that could score the thumbnails.
    """
    columns = score_images(rows, [thumbnail.subject for thumbnail in thumbnails])
    if not columns:
        return []
    for thumbnail, own in zip(thumbnails, zip(*columns, strict=True), strict=True):
        with thumbnail.place:
            for result in own:
                show_results(thumbnail.subject, result)
    explain_scales([cell for column in columns for result in column for cell in result.cells], captions=CAPTIONS)
    return [column[0].requests for column in columns]


def show_results(subject: Subject, result: ResultPair) -> None:
    """Draw one method's maps of a thumbnail side by side, and its scores."""
    name = name_of(DETECTOR_NAMES, result.off.request.checkpoint.config.detector)
    scores = [cell.image_score.score for cell in result.cells]
    st.image(
        picture_url(side_by_side([draw_map(subject, cell, opacity=1, revealed=1) for cell in result.cells])),
        width="stretch",
        alt=f"Anomaly maps of {name}, scores {' and '.join(f'{score:.2f}' for score in scores)}",
    )
    st.markdown(f":small[{name} {' → '.join(f'**{score:.2f}**' for score in scores)}]")


def side_by_side(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Join pictures of equal height with a transparent gap between them; RGBA."""
    height = parts[0].shape[0]
    gap = np.zeros((height, GAP_PX, 4), dtype=np.uint8)
    return np.concatenate([part for opaque in map(add_alpha, parts) for part in (gap, opaque)][1:], axis=1)


def add_alpha(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert RGB to opaque RGBA."""
    return np.asarray(PIL.Image.fromarray(picture).convert("RGBA"))
