"""A tile of the gallery: an image and its anomaly map side by side, as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

if TYPE_CHECKING:
    from app.compute import Tile

TILE_PX = 160
GAP_PX = 4
NO_MAP = "scores only"
NO_MAP_GROUND, NO_MAP_INK = (38, 42, 48), (214, 218, 224)  # as dark as an empty map, readable in both themes


def compose_tile(tile: Tile, *, upper: float) -> NDArray[np.uint8]:
    """An image beside its coloured map, the mask outlined on both; without a map, the words "scores only"."""
    from gnl_core.plots.maps import colour_map, outline  # noqa: PLC0415 (matplotlib takes a second to import)

    parts = [enlarge(tile.image)]
    if tile.anomaly_map is not None:
        parts.append(enlarge(colour_map(tile.anomaly_map, upper=upper)))
    if tile.mask is not None:
        parts = [outline(part, enlarge(tile.mask)) for part in parts]
    if tile.anomaly_map is None:
        parts.append(without_map())
    return side_by_side(parts)


def side_by_side(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one height with a transparent gap between them; RGBA."""
    height = parts[0].shape[0]
    gap = np.zeros((height, GAP_PX, 4), dtype=np.uint8)
    return np.concatenate([part for opaque in map(add_alpha, parts) for part in (gap, opaque)][1:], axis=1)


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


def add_alpha(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB to opaque RGBA."""
    return np.asarray(PIL.Image.fromarray(picture).convert("RGBA"))
