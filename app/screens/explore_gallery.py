"""The gallery of Explore: images in the order of their scores, each beside its anomaly map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import streamlit as st
from numpy.typing import NDArray

from app.answers import Answer, DomainAnswer
from app.words import LABEL_WORDS, percent
from gnl_core.metrics import exceedance

if TYPE_CHECKING:
    from app.compute import Tile

TILES = 16
TILE_PX = 160
GAP_PX = 4
ORDERS = ("Most anomalous", "Most normal")


@st.fragment
def gallery(answers: list[Answer], *, domains: tuple[str, str]) -> None:
    """Sixteen images of one method and domain.

    Args:
        answers: The methods on the page.
        domains: Names of the in-distribution and of the shifted domain.
    """
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    titles = [found.question.title for found in answers]
    title = controls.segmented_control("Gallery of", titles, default=titles[-1], required=True)
    sides = ("In-distribution", "Shifted")
    side = controls.segmented_control("Domain", sides, default=sides[1], required=True, key="side", bind="query-params")
    order = controls.segmented_control(
        "Order", ORDERS, default=ORDERS[0], required=True, key="order", bind="query-params"
    )
    found = answers[titles.index(title)] if title in titles else answers[-1]
    domain_answer = found.shifted if side == sides[1] else found.in_distribution
    rows = np.argsort(domain_answer.scores.score, kind="stable")[:: -1 if order == ORDERS[0] else 1][:TILES]
    with st.container(key="gallery"):
        show_tiles(found, domain_answer, rows, domain=domains[sides.index(side)])


def show_tiles(found: Answer, domain_answer: DomainAnswer, rows: NDArray[np.intp], *, domain: str) -> None:
    """The tiles of some rows of the scores, and the colour scale that they share."""
    from app.compute import tiles  # noqa: PLC0415 (PyTorch takes seconds to import; the histograms stand by then)

    scores = domain_answer.scores
    checkpoint, scoring = found.question
    with st.spinner("Computing anomaly maps", show_time=True):
        shown = tiles(
            checkpoint.folder.weights,
            checkpoint.sha256,
            domain=domain,
            scoring=scoring,
            paths=tuple(str(path) for path in scores.path[rows]),
        )
    grid = st.grid(columns=4, min_column_width=240, gap="small")
    for row, tile in zip(rows, shown, strict=True):
        place = 1 - exceedance(found.training.score, float(scores.score[row]))
        label, category = LABEL_WORDS[int(scores.label[row])], scores.category[row]
        with grid.cell(), st.container(gap="xxsmall"):
            st.image(
                compose_tile(tile, upper=found.map_scale),
                width="stretch",
                alt=f"Image of {category} and its anomaly map, score {scores.score[row]:.2f}",
            )
            st.markdown(
                f":small[{category}, {label} · **{scores.score[row]:.2f}** · above {percent(place)} of training]"
            )
    show_scale(found.map_scale)


def compose_tile(tile: Tile, *, upper: float) -> NDArray[np.uint8]:
    """An image and its coloured map side by side, the mask outlined on both; without a map the image alone."""
    from gnl_core.plots.maps import colour_map, outline  # noqa: PLC0415 (so does matplotlib)

    parts = [enlarge(tile.image)]
    if tile.anomaly_map is not None:
        parts.append(enlarge(colour_map(tile.anomaly_map, upper=upper)))
    if tile.mask is not None:
        parts = [outline(part, enlarge(tile.mask)) for part in parts]
    gap = np.zeros((TILE_PX, GAP_PX, 4), dtype=np.uint8)  # transparent
    return np.concatenate([part for opaque in map(add_alpha, parts) for part in (gap, opaque)][1:], axis=1)


def enlarge(pixels: NDArray[Any]) -> NDArray[Any]:
    """A picture or a mask at the tile's size; pixels stay visible as squares."""
    picture = PIL.Image.fromarray(pixels)
    return np.asarray(picture.resize((TILE_PX, TILE_PX), PIL.Image.Resampling.NEAREST))


def add_alpha(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB to opaque RGBA."""
    return np.asarray(PIL.Image.fromarray(picture).convert("RGBA"))


def show_scale(upper: float) -> None:
    """The colour bar of all maps, with its numbers."""
    from gnl_core.plots.maps import colour_bar  # noqa: PLC0415

    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    bar.caption("Anomaly map  0", width="content")
    bar.image(colour_bar(width_px=160, height_px=10), width=160, alt="Colour scale from black to pale yellow")
    bar.caption(f"{upper:.2f}", width="content")
    st.caption(
        f"One scale for all maps: {upper:.2f} is the score that 99.5 % of training images stay below. "
        "“Above … of training” is the share of training images with a lower score."
    )
