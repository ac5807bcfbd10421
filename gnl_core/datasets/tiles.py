"""Cut the images of items into tiles for training, each an item of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from gnl_core.config.data import DataSettings
from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.fitting import fit_image
from gnl_core.datasets.tiling import places_of, plan_tiles
from gnl_core.records import Tiling

KEPT_IMAGES = 2  # whose tiles are read next: images are decoded once per pass in order


def tiling_of(settings: DataSettings) -> Tiling | None:
    """Return the tiles that a run's images are cut into; None if they are read whole."""
    if settings.tile_size is None:
        return None
    return plan_tiles(settings.image_size, settings.tile_size, overlap_percent=settings.tile_overlap_percent)


def cut_items(items: Sequence[Item], settings: DataSettings) -> list[Item]:
    """Return an item for each tile of each image, or the items as they are if images are read whole.

    A tile has the label of its image and no mask, and its path ends in # and the tile's first row and column.
    """
    tiling = tiling_of(settings)
    if tiling is None:
        return list(items)

    @lru_cache(maxsize=KEPT_IMAGES)
    def fitted(position: int) -> Image:
        pixels, _ = fit_image(items[position].read(), settings.image_size, settings.resize)
        image: Image = pixels.permute(1, 2, 0).numpy()
        return image

    return [
        item._replace(
            path=f"{item.path}#{rows.start},{columns.start}",
            read=partial(read_tile, fitted, position, rows, columns),
            mask=None,
        )
        for position, item in enumerate(items)
        for rows, columns in places_of(tiling)
    ]


def read_tile(fitted: Callable[[int], Image], position: int, rows: slice, columns: slice) -> Image:
    """Read a tile of an image, RGB, shape (h, w, 3)."""
    return fitted(position)[rows, columns].copy()
