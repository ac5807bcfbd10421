"""The painter: a visitor paints on an image in the browser, and the page shows the painted image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import streamlit as st
from numpy.typing import NDArray

from app.display.adaptation import describe_threshold
from app.display.components import PAGE, component, read
from app.display.pictures import data_url, encode
from app.image_scoring import ImageResult, alarm_threshold
from app.painting import check_paintable, painted_subject
from app.scoring import held_out_scores
from app.strokes import Stroke, read_stroke
from app.subjects import Subject
from app.words import capitalised, exact_percent, plain, with_minus

PAINT_HELP = (
    "Draw on the image, and its maps and scores follow. Erase gives back the original pixels. The painted image is "
    "not stored, and the address does not contain it."
)


class Painted(NamedTuple):
    """What a visitor made of an image.

    Attributes:
        subject: The painted image, or the original as long as nothing is painted.
        stroke: The stroke whose smallest size the visitor asks for in this run of the page, if any.
    """

    subject: Subject
    stroke: Stroke | None


def paint_on(subject: Subject) -> Painted | None:
    """Draw the painter with an image; what was painted on another image is gone.

    If what the browser sends cannot be used, the page says why and shows the original.

    Returns:
        What the visitor made of the image; None if it is too large to paint on, which the page says.
    """
    try:
        check_paintable(subject)
    except ValueError as error:
        st.error(f"{capitalised(plain(error))}.")
        return None
    sent = draw_painter(subject)
    try:
        painted = subject if sent.painting is None else painted_subject(subject, sent.painting)
        return Painted(painted, None if sent.search is None else read_stroke(sent.search, subject.image))
    except ValueError as error:
        st.error(f"{capitalised(plain(error))}.")
        return Painted(subject, None)


def draw_painter(subject: Subject) -> Any:
    """Draw the component; return what it sends, unchecked, as the fields `painting` and `search`."""
    key = f"painter_{subject.digest}"
    earlier = st.session_state.get(key) or {}
    draw = component(
        "painter",
        html=read(f"{PAGE}/painter.html") + read("paint.html"),
        css=(f"{PAGE}/painter.css",),
        js=(f"{PAGE}/strokes.js", f"{PAGE}/painter.js", "paint.js"),
    )
    return draw(
        key=key,
        data={"image": image_url(subject.digest, subject.image), "painted": bool(earlier.get("painting"))},
        on_painting_change=ignore,
        on_search_change=ignore,
    )


def ignore() -> None:
    """Do nothing: Streamlit returns only what has a callback."""


@st.cache_data(max_entries=8, show_spinner=False)
def image_url(digest: str, _image: NDArray[Any]) -> str:
    """Encode an image without loss as a data URL; fast rather than small."""
    return data_url("image/png", encode(_image, format="PNG", compress_level=1))


def compare_painted(cell: ImageResult, before: ImageResult) -> str:
    """Compare the score with the one without paint, and say whether it raises an alarm."""
    score, unpainted, threshold = cell.image_score.score, before.image_score.score, alarm_threshold(cell)
    change = with_minus(f"{score - unpainted:+.3f}")
    alarm = "**alarm**, above" if score > threshold else "no alarm, not above"
    return f"{change} from {unpainted:.3f} unpainted; {alarm} threshold {threshold:.3f}"


def describe_thresholds(cells: Sequence[ImageResult]) -> str:
    """State which images the methods' thresholds are chosen from, in sentences."""
    sources = dict.fromkeys(describe_source(cell) for cell in cells)
    return " ".join(f"{source}." for source in sources)


def describe_source(cell: ImageResult) -> str:
    """State which images a method's threshold is chosen from."""
    if cell.adapted:
        return f"Adapted threshold: {describe_threshold(cell.adapted.threshold)}"
    quantile = exact_percent(cell.request.checkpoint.config.threshold_quantile)
    held_out = held_out_scores(cell.request)
    if held_out is None:
        return f"Threshold: {quantile} of the {cell.n_training:,} normal training images do not exceed it"
    return f"Threshold: {quantile} of {len(held_out.score):,} normal images held out from training do not exceed it"
