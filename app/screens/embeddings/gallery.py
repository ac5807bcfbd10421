"""The gallery of the page Embeddings: selected images, ordered by their distance from the training images."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from app.checkpoints import Checkpoint
from app.controls.image import list_images
from app.controls.links import INSPECT, Address, address_of_image, url_of
from app.controls.view import View
from app.display.gallery import draw_gallery
from app.display.pictures import enlarge, picture_url
from app.display.unreadable import reporting_errors
from app.screens.embeddings.figure import Key, name_image
from app.screens.embeddings.states import Embedding, State
from app.sources import Source, source_of
from gnl_core.datasets.base import UNLABELLED
from gnl_core.plots.style import LABEL_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILES = 16
FARTHEST, NEAREST = ORDERS = ("Farthest first", "Nearest first")
STEPS = 200
DISTANCE_HELP = (
    "The distance of each image from the training images' mean in the full embedding, in units of their spread: about "
    "1 for training images."
)


class Candidate(NamedTuple):
    """An image that the gallery can show, with its distance from the training images' mean."""

    key: Key
    distance: float


def show_gallery(
    view: View, embedding: Embedding, selected: Collection[Key], *, checkpoints: list[Checkpoint], address: Address
) -> None:
    """Draw the choices, and up to sixteen images.

    Args:
        view: The page's view.
        embedding: The method's embedding.
        selected: The images selected in the panels; empty for all.
        checkpoints: The view's runs.
        address: The view, for links to Inspect.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom")
    state = choose_state(row, embedding)
    order = row.selectbox("Show", ORDERS, key="by_distance", bind="query-params", width=160)
    groups = choose_groups(row, view, state)
    candidates = [one for one in list_candidates(view, embedding, state) if group_of(view, state, one.key) in groups]
    low, high = choose_distances(row, [one.distance for one in candidates])
    shown = [one for one in candidates if low <= one.distance <= high and (not selected or one.key in selected)]
    shown.sort(key=lambda one: one.distance, reverse=order == FARTHEST)
    kind = (
        "images, selected in the panels" if selected else "images; draw a box or a lasso around points to select some"
    )
    st.caption(f"{len(shown):,} of {len(candidates):,} {kind}")
    with reporting_errors("These images"), st.container(key="gallery"):
        draw_gallery(make_tiles(view, embedding, state, shown[:TILES], checkpoints=checkpoints, address=address))


def choose_state(place: Any, embedding: Embedding) -> State:
    """Choose the state in which distances are measured; initially the last one."""
    by_name = {state.name: state for state in embedding.states}
    if len(by_name) == 1:
        return embedding.states[0]
    if st.session_state.get("distances_in") not in by_name:
        st.session_state.pop("distances_in", None)
    chosen = place.selectbox(
        "Distances", list(by_name), index=len(by_name) - 1, key="distances_in", bind="query-params", width=220
    )
    return by_name[chosen]


def choose_groups(place: Any, view: View, state: State) -> list[str]:
    """Choose any number of groups of images; all if none is chosen."""
    there = list(dict.fromkeys(group_of(view, state, key) for key in every_key(view, state)))
    chosen = place.multiselect(
        "Groups", there, key="of_groups", bind="query-params", placeholder=f"all {len(there)}", width=320
    )
    return chosen or there


def choose_distances(place: Any, distances: list[float]) -> tuple[float, float]:
    """Choose a range of distances; initially all."""
    low, high = min(distances, default=0.0), max(distances, default=0.0)
    if low == high:
        return low, high
    bounds = place.slider(
        "Distance from the training images",
        low,
        high,
        (low, high),
        step=(high - low) / STEPS,
        format="%.2f",
        width=260,
        help=DISTANCE_HELP,
    )
    return float(bounds[0]), float(bounds[1])


def every_key(view: View, state: State) -> list[Key]:
    """List the images of both domains; if the in-distribution images are the training images, those of the other."""
    sides = [1] if view.unlabelled else [0, 1]
    return [Key(side, row) for side in sides for row in range(len(state.sides[side].numbers))]


def group_of(view: View, state: State, key: Key) -> str:
    """Name the group of an image."""
    return f"{view.sides[key.side]}, {LABEL_NAMES[int(state.sides[key.side].group.labels[key.row])]}"


def list_candidates(view: View, embedding: Embedding, state: State) -> list[Candidate]:
    """Measure the distance of every image of both domains from the training images' mean."""
    from gnl_core.metrics.embedding import distances  # noqa: PLC0415 (scikit-learn takes a second to import)

    away: list[NDArray[np.float64]] = [distances(embedding.frame, placed.group.points) for placed in state.sides]
    return [Candidate(key, float(away[key.side][key.row])) for key in every_key(view, state)]


def make_tiles(  # noqa: PLR0913 (what a tile shows and where it leads, by keyword)
    view: View,
    embedding: Embedding,
    state: State,
    shown: list[Candidate],
    *,
    checkpoints: list[Checkpoint],
    address: Address,
) -> list[dict[str, Any]]:
    """Build the tiles of images, each a link to its image on Inspect."""
    tiles: dict[Key, dict[str, Any]] = {}
    source = source_of(embedding.request.checkpoint)
    for side, domain in enumerate((view.spec.in_distribution, view.shifted)):
        own = [one for one in shown if one.key.side == side]
        placed = state.sides[side]
        numbers = tuple(int(placed.numbers[one.key.row]) for one in own)
        pictures = read_pictures(source, domain, numbers, view, checkpoints)
        for one, number, picture in zip(own, numbers, pictures, strict=True):
            name, label = name_image(placed, one.key.row), int(placed.group.labels[one.key.row])
            tiles[one.key] = {
                "shown": name,
                "label": "" if label == UNLABELLED else LABEL_NAMES[label],
                "score": f"{one.distance:.2f}",
                "place": view.sides[side].lower(),
                "alternative": f"Image of {name}",
                "pictures": [picture],
                "address": url_of(INSPECT, address_of_image(address, side=view.sides[side], number=number)),
            }
    return [tiles[one.key] for one in shown]


@st.cache_data(max_entries=64, show_spinner="Reading images")
def read_pictures(
    source: Source, domain: str, numbers: tuple[int, ...], _view: View, _checkpoints: list[Checkpoint]
) -> list[str]:
    """Read images by their numbers in a domain, and encode them, once for all sessions.

    Raises:
        ValueError: If an image is missing or cannot be read.
    """
    if not numbers:
        return []
    items = list_images(_view, _checkpoints, domain)
    return [picture_url(enlarge(items[number - 1].read())) for number in numbers]
