"""Tiles of the gallery, an image and its anomaly map, as pixels and as addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import streamlit as st
from numpy.typing import NDArray

from app.answers import Answer, map_scale
from app.screens.pictures import picture_url
from app.sources import Source, source_of
from gnl_core.config import ScoringConfig

if TYPE_CHECKING:
    from app.compute import Tile

TILE_PX = 160
NO_MAP = "scores only"
NO_MAP_GROUND, NO_MAP_INK = (38, 42, 48), (214, 218, 224)  # as dark as an empty map, readable in both themes


class Drawn(NamedTuple):
    """Tiles that are drawn.

    Attributes:
        pictures: Of each tile the image and its map, as addresses that hold them.
        upper: Upper end of their maps' colour scale; None for a method without maps.
    """

    pictures: list[list[str]]
    upper: float | None


def draw_tiles(found: Answer, *, domain: str, paths: tuple[str, ...]) -> Drawn:
    """The tiles of some images of a domain, drawn once for all sessions.

    Raises:
        ValueError: If one of them is no longer there, or cannot be read.
    """
    return drawn_tiles(
        source_of(found.question.checkpoint), domain=domain, scoring=found.question.scoring, paths=paths, _found=found
    )


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={ScoringConfig: ScoringConfig.model_dump_json})
def drawn_tiles(
    source: Source, *, domain: str, scoring: ScoringConfig, paths: tuple[str, ...], _found: Answer
) -> Drawn:
    """As `draw_tiles`; the answer, which gives the scale, follows from what it is kept under."""
    from app.compute import tiles  # noqa: PLC0415 (PyTorch takes seconds to import; the histograms stand by then)

    shown = tiles(source, domain=domain, scoring=scoring, paths=paths)
    has_maps = any(tile.anomaly_map is not None for tile in shown)
    upper = map_scale(_found.question, _found.training) if has_maps else None
    return Drawn([[picture_url(part) for part in compose_tile(tile, upper=upper or 1.0)] for tile in shown], upper)


def compose_tile(tile: Tile, *, upper: float) -> list[NDArray[np.uint8]]:
    """An image and its coloured map, the mask outlined on both; without a map, the words "scores only"."""
    from gnl_core.plots.maps import colour_map, outline  # noqa: PLC0415 (matplotlib takes a second to import)

    parts = [enlarge(tile.image)]
    if tile.anomaly_map is not None:
        parts.append(enlarge(colour_map(tile.anomaly_map, upper=upper)))
    if tile.mask is not None:
        parts = [outline(part, enlarge(tile.mask)) for part in parts]
    if tile.anomaly_map is None:
        parts.append(without_map())
    return parts


def enlarge(pixels: NDArray[Any], *, side_px: int = TILE_PX) -> NDArray[Any]:
    """A picture or a mask as a square tile; pixels stay visible as squares where they are few."""
    picture = PIL.Image.fromarray(pixels)
    large = max(picture.size) > side_px and picture.mode != "1"
    return np.asarray(
        picture.resize((side_px, side_px), PIL.Image.Resampling.LANCZOS if large else PIL.Image.Resampling.NEAREST)
    )


def without_map(*, side_px: int = TILE_PX) -> NDArray[np.uint8]:
    """What stands in the place of a map that a method does not have."""
    picture = PIL.Image.new("RGB", (side_px, side_px), NO_MAP_GROUND)
    centre = (side_px / 2, side_px / 2)
    PIL.ImageDraw.Draw(picture).text(centre, NO_MAP, fill=NO_MAP_INK, font=PIL.ImageFont.load_default(15), anchor="mm")
    return np.asarray(picture)
