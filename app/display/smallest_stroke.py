"""The smallest stroke that raises an alarm: searched when the visitor asks, and shown with what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from app.display.pictures import TILE_PX, enlarge, picture_url
from app.image_scoring import ImageResult, alarm_threshold
from app.strokes import Search, Stroke, draw_stroke, size_range
from app.subjects import Subject
from app.words import counted, plain
from gnl_core.runs.adapted_scores import TrayChoice

KEPT = "smallest_stroke"  # session key of the last search
FEWEST_COLUMNS = 4  # the picture of a single method is as small as those of several
SIZES = {"dot": "diameter", "horizontal line": "length", "vertical line": "length"}


class Inputs(NamedTuple):
    """What the result of a search depends on: an image by its digest, and each method with its settings."""

    digest: str
    methods: tuple[tuple[str, str, str, float], ...]


class Kept(NamedTuple):
    """The last search: its inputs, the stroke, and what it found for each method."""

    inputs: Inputs
    stroke: Stroke
    found: list[Search | None]


def show_smallest(
    subject: Subject,
    stroke: Stroke | None,
    cells: Sequence[ImageResult],
    *,
    domain: str = "",
    choice: TrayChoice | None,
) -> None:
    """Search for the smallest stroke if one is asked for; show what the last search found, if it fits what is shown.

    Args:
        subject: The image without the visitor's painting.
        stroke: The stroke that is asked for now, if any.
        cells: The methods' results for this image.
        domain: The domain that methods are adapted to, if they are.
        choice: Which of its images they are adapted to; None if they are not.

    Raises:
        ValueError: If it cannot be computed; the message says why.
    """
    inputs = Inputs(subject.digest, tuple(describe_method(cell) for cell in cells))
    if stroke is not None:
        with st.spinner("Searching for the smallest stroke", show_time=True):
            found = [search(subject, stroke, cell, domain=domain, choice=choice) for cell in cells]
        st.session_state[KEPT] = Kept(inputs, stroke, found)
    kept: Kept | None = st.session_state.get(KEPT)
    if kept is None or kept.inputs != inputs:
        return
    st.markdown(f"**Smallest {kept.stroke.shape} that raises an alarm**")
    places = st.columns(max(len(cells), FEWEST_COLUMNS))
    for place, cell, result in zip(places, cells, kept.found, strict=False):
        with place:
            show_search(subject, kept.stroke, cell, result)
    st.caption(explain_search(subject, kept.stroke))


def describe_method(cell: ImageResult) -> tuple[str, str, str, float]:
    """Identify a method's checkpoint, its settings and what it is adapted to."""
    checkpoint, scoring = cell.request
    return checkpoint.sha256, scoring.model_dump_json(), cell.title, alarm_threshold(cell)


def search(
    subject: Subject, stroke: Stroke, cell: ImageResult, *, domain: str, choice: TrayChoice | None
) -> Search | None:
    """Search with one method; None if it raises an alarm without a stroke."""
    from app.smallest_stroke import search_stroke  # noqa: PLC0415 (PyTorch takes seconds to import)

    if cell.image_score.score > alarm_threshold(cell):
        return None
    return search_stroke(cell, subject, stroke, domain=domain, choice=choice)


def show_search(subject: Subject, stroke: Stroke, cell: ImageResult, result: Search | None) -> None:
    """Show the stroke that one method's search found, with its score and the next smaller one tried."""
    if result is None:
        st.caption(f"**{cell.title}**: raises an alarm without a stroke.")
        return
    size = result.smallest or max(result.tried)
    drawn = draw_stroke(subject.image, stroke, size=size)
    st.image(picture_url(enlarge(drawn)), width=TILE_PX, alt=f"The {stroke.shape} of {size} px for {cell.title}")
    st.caption(f"**{cell.title}**: {plain(describe_search(result))}")


def describe_search(result: Search) -> str:
    """Describe what a search found, in sentences."""
    images = f"{counted(len(result.tried), 'image')} scored."
    smallest = result.smallest
    if smallest is None:
        size, score = max(result.tried.items(), key=lambda pair: pair[1])
        highest = f"{size} px scores highest, {score:.3f}, not above {result.threshold:.3f}"
        return f"no alarm with any size tried; {highest}. {images}"
    below = [size for size in result.tried if size < smallest]
    next_smaller = f"{below[-1]} px scores {result.tried[below[-1]]:.3f}. " if below else ""
    return f"{smallest} px scores {result.tried[smallest]:.3f}, above {result.threshold:.3f}. {next_smaller}{images}"


def explain_search(subject: Subject, stroke: Stroke) -> str:
    """Explain what was searched, and what the result does not promise."""
    least, most = size_range(stroke, subject.image)
    size = SIZES[stroke.shape]
    width = "" if stroke.shape == "dot" else f", {stroke.width} px wide"
    return (
        f"A {stroke.shape} of colour {stroke.colour}{width}, at column {stroke.column} and row {stroke.row} of the "
        f"unpainted image. Its {size}, from {least} to {most} px, is doubled until there is an alarm; then the "
        "interval between the last one without an alarm and the first one with an alarm is halved. A score need not "
        "grow with the size: smaller strokes that were not tried may raise an alarm as well."
    )
