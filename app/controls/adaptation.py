"""The choice of how methods are adapted to the shifted domain, and to how many of its images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.controls.selection import forget_selection
from app.words import ADAPT_HELP, NORMAL_TRAY_HELP, TRAY_HELP
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.trays import TRAY_SIZES, is_drawable

AS_IT_IS, UNLABELLED, NORMAL = "as it is", "adapt to n of its images", "adapt to k normal images"
WAYS = {AS_IT_IS: None, UNLABELLED: False, NORMAL: True}
FIRST_SIZE = 16


def choose_tray(places: Sequence[DeltaGenerator], labels: NDArray[np.int64]) -> TrayChoice | None:
    """Choose whether to adapt, and to which images; None to take the domain as it is.

    Only trays that the domain can provide are offered.

    Args:
        places: Containers of the choice and of the number of images.
        labels: The labels of the domain's images.
    """
    sizes = {way: offered_sizes(labels, known_normal=normal) for way, normal in WAYS.items() if normal is not None}
    ways = (AS_IT_IS, *(way for way, offered in sizes.items() if offered))
    forget_unless(keys.ADAPT, ways)
    left, middle = places
    way = left.selectbox(
        "New domain", ways, key=keys.ADAPT, bind="query-params", help=ADAPT_HELP, on_change=forget_selection
    )
    known_normal = WAYS[way]
    return None if known_normal is None else choose_size(middle, sizes[way], known_normal=known_normal)


def choose_size(place: DeltaGenerator, offered: tuple[int, ...], *, known_normal: bool) -> TrayChoice:
    """Choose the number of images to adapt to."""
    if len(offered) == 1:  # a slider needs two steps
        place.caption(f"{offered[0]} images, the only step that this domain can provide")
        return TrayChoice(offered[0], known_normal)
    forget_unless(keys.TRAY, offered)
    count = place.select_slider(
        "k, normal images" if known_normal else "n, unlabelled images",
        offered,
        value=min(FIRST_SIZE, offered[-1]),
        key=keys.TRAY,
        bind="query-params",
        help=NORMAL_TRAY_HELP if known_normal else TRAY_HELP,
        on_change=forget_selection,
    )
    return TrayChoice(int(count), known_normal)


def offered_sizes(labels: NDArray[np.int64], *, known_normal: bool) -> tuple[int, ...]:
    """Select the sizes of a tray that a domain can provide."""
    return tuple(size for size in TRAY_SIZES if is_drawable(labels, count=size, known_normal=known_normal))


def forget_unless(key: str, options: tuple[object, ...]) -> None:
    """Forget a widget's value that it no longer offers."""
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)
