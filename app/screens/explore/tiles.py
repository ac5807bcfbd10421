"""Tiles of the gallery, an image and its anomaly map, as pixels and as data URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.display.pictures import enlarge, picture_url, without_map
from app.screens.explore.picks import ScoredDomain
from app.sources import Source, source_of
from gnl_core.config import ScoringConfig
from gnl_core.runs.adapted_scores import TrayChoice

if TYPE_CHECKING:
    from app.compute import Tile


class Images(NamedTuple):
    """Some images of a domain.

    Attributes:
        domain: The domain.
        paths: The images.
        choice: Which images of the domain the detector is adapted to; None if it is not.
    """

    domain: str
    paths: tuple[str, ...]
    choice: TrayChoice | None


def draw_tiles(seen: ScoredDomain, *, domain: str, paths: tuple[str, ...], upper: float | None) -> list[list[str]]:
    """Draw the tiles of some images of a domain, once for all sessions.

    Args:
        seen: The scored domain.
        domain: Its name.
        paths: The images.
        upper: Upper end of their maps' colour scale; None for a method without maps.

    Returns:
        Image and map of each tile, as data URLs.

    Raises:
        ValueError: If an image is missing or cannot be read.
    """
    checkpoint, scoring = seen.request
    images = Images(domain, paths, seen.adapted.choice if seen.adapted else None)
    return drawn_tiles(source_of(checkpoint), images, scoring=scoring, upper=upper)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={ScoringConfig: ScoringConfig.model_dump_json})
def drawn_tiles(source: Source, images: Images, *, scoring: ScoringConfig, upper: float | None) -> list[list[str]]:
    """Draw as `draw_tiles`."""
    from app.compute import tiles  # noqa: PLC0415 (PyTorch takes seconds to import; the histograms are drawn by then)

    domain, paths, choice = images
    shown = tiles(source, domain=domain, scoring=scoring, paths=paths, choice=choice)
    return [[picture_url(part) for part in compose_tile(tile, upper=upper or 1.0)] for tile in shown]


def compose_tile(tile: Tile, *, upper: float) -> list[NDArray[np.uint8]]:
    """Compose an image and its coloured map, the mask outlined on both; without a map, the words "scores only"."""
    from gnl_core.plots.maps import colour_map, outline  # noqa: PLC0415 (matplotlib takes a second to import)

    parts = [enlarge(tile.image)]
    if tile.anomaly_map is not None:
        parts.append(enlarge(colour_map(tile.anomaly_map, upper=upper)))
    if tile.mask is not None:
        parts = [outline(part, enlarge(tile.mask)) for part in parts]
    if tile.anomaly_map is None:
        parts.append(without_map())
    return parts
