"""The tile whose reasons are shown, of an image that is scored in tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.image_scoring import ImageResult
from app.subjects import Subject
from gnl_core.config import RunConfig

TILE = "tile"  # query parameter, from 1
TILE_NOTE = (
    "Each tile is scored as an image of its own, and the reasons are those of this one. Where tiles overlap, the map "
    "is the mean of theirs, so its values can differ from those shown here."
)
Place = tuple[slice, slice]  # pixel rows and columns


class Tile(NamedTuple):
    """A tile of an image.

    Attributes:
        position: Its place among the image's tiles, row by row, from 0.
        place: Its rows and columns in what the run reads of the image.
        image_size: Height and width of what the run reads of the image.
    """

    position: int
    place: Place
    image_size: tuple[int, int]


def choose_tile(cell: ImageResult) -> Tile | None:
    """Choose the tile whose reasons are shown, by default one with the map's maximum; None for a whole image."""
    config = cell.request.checkpoint.config
    if config.tile_size is None or cell.image_score.anomaly_map is None:
        return None
    from app.inspection import tile_places  # noqa: PLC0415 (PyTorch takes seconds to import)

    places = tile_places(config)
    if st.session_state.get(TILE) is not None:
        st.session_state[TILE] = min(st.session_state[TILE], len(places))
    first = tile_of_maximum(places, cell.image_score.anomaly_map)
    number = st.number_input(
        f"Tile (of {len(places):,})",
        1,
        len(places),
        value=None,
        placeholder=f"{first + 1}, with the maximum",
        key=TILE,
        bind="query-params",
        width=240,
    )
    position = first if number is None else number - 1
    st.caption(f"{describe_place(places[position], config)} {TILE_NOTE}")
    return Tile(position, places[position], config.image_size)


def tile_of_maximum(places: list[Place], anomaly_map: NDArray[np.float32]) -> int:
    """Return which of the tiles has its centre nearest to the map's maximum, so that it contains it."""
    peak = np.unravel_index(int(anomaly_map.argmax()), anomaly_map.shape)
    centres = np.array([[(side.start + side.stop - 1) / 2 for side in place] for place in places])
    return int(np.square(centres - peak).sum(axis=1).argmin())


def describe_place(place: Place, config: RunConfig) -> str:
    """State where a tile lies, counting pixels from 1."""
    rows, columns = (f"{side.start + 1:,} to {side.stop:,}" for side in place)
    height, width = config.image_size
    return f"Rows {rows}, columns {columns} of {height:,}\N{MULTIPLICATION SIGN}{width:,} px."


def cut_subject(seen: Subject, tile: Tile) -> Subject:
    """Cut a tile out of an image, which may have another size than what the run reads of it."""
    rows, columns = (
        slice(round(side.start * actual / read), max(1, round(side.stop * actual / read)))
        for side, actual, read in zip(tile.place, seen.image.shape, tile.image_size, strict=False)
    )
    return seen._replace(image=seen.image[rows, columns], mask=None)
