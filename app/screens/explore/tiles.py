"""Tiles of the gallery, an image and its anomaly map, as pixels and as data URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.display.pictures import enlarge, picture_url, without_map
from app.scoring import map_scale
from app.screens.explore.picks import ScoredDomain
from app.sources import Source, source_of
from gnl_core.config import ScoringConfig
from gnl_core.runs.adapted_scores import TrayChoice

if TYPE_CHECKING:
    from app.compute import Tile


class Drawn(NamedTuple):
    """Drawn tiles.

    Attributes:
        pictures: Image and map of each tile, as data URLs.
        upper: Upper end of their maps' colour scale; None for a method without maps.
    """

    pictures: list[list[str]]
    upper: float | None


def draw_tiles(seen: ScoredDomain, *, domain: str, paths: tuple[str, ...]) -> Drawn:
    """Draw the tiles of some images of a domain, once for all sessions.

    Raises:
        ValueError: If an image is missing or cannot be read.
    """
    request = seen.result.request.at(0.0) if seen.adapted else seen.result.request
    return drawn_tiles(
        source_of(request.checkpoint),
        domain=domain,
        scoring=request.scoring,
        paths=paths,
        choice=seen.adapted.choice if seen.adapted else None,
        _seen=seen,
    )


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={ScoringConfig: ScoringConfig.model_dump_json})
def drawn_tiles(
    source: Source,
    *,
    domain: str,
    scoring: ScoringConfig,
    paths: tuple[str, ...],
    choice: TrayChoice | None,
    _seen: ScoredDomain,
) -> Drawn:
    """Draw as `draw_tiles`; the scored domain, which gives the scale, is determined by the cache key."""
    from app.compute import tiles  # noqa: PLC0415 (PyTorch takes seconds to import; the histograms are drawn by then)

    shown = tiles(source, domain=domain, scoring=scoring, paths=paths, choice=choice)
    has_maps = any(tile.anomaly_map is not None for tile in shown)
    upper = upper_end(_seen) if has_maps else None
    return Drawn([[picture_url(part) for part in compose_tile(tile, upper=upper or 1.0)] for tile in shown], upper)


def upper_end(seen: ScoredDomain) -> float:
    """Return the upper end of the colour scale of a domain's maps: of standardised maps, the threshold."""
    if seen.standardised:
        return seen.result.shifted_threshold
    return map_scale(seen.result.request, seen.result.training)


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
