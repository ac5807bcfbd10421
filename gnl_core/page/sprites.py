"""Many small pictures in one: images, and anomaly maps in grey."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.page.records import MapSprite, Sprite

IMAGE_PX, MAP_PX = 80, 32  # sides of the tiles
SMALLEST = 1e-9  # of a scale, so that maps of zeros have one
QUALITY = 60  # of WebP, in percent


def image_sprite(images: Sequence[NDArray[np.uint8]]) -> Sprite:
    """Shrink images of any size, RGB of shape (H, W, 3), to tiles."""
    return tile([PIL.Image.fromarray(image) for image in images], side_px=IMAGE_PX, mode="RGB")


def map_sprite(maps: NDArray[np.float32]) -> MapSprite:
    """Shrink anomaly maps, shape (n, H, W), to grey tiles that share one scale."""
    brightest = float(maps.max(initial=SMALLEST))
    grey = (255 * np.clip(maps / brightest, 0, 1)).round().astype(np.uint8)
    return MapSprite(tile([PIL.Image.fromarray(one) for one in grey], side_px=MAP_PX, mode="L"), brightest)


def tile(pictures: Sequence[PIL.Image.Image], *, side_px: int, mode: str) -> Sprite:
    """Place pictures side by side, each scaled to a square."""
    columns = math.ceil(math.sqrt(len(pictures)))
    sheet = PIL.Image.new(mode, (columns * side_px, math.ceil(len(pictures) / columns) * side_px))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        small = picture.convert(mode).resize((side_px, side_px), PIL.Image.Resampling.BOX)
        sheet.paste(small, (column * side_px, row * side_px))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=QUALITY)
    return Sprite(f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", columns, side_px)


def map_colours() -> str:
    """Return the 256 colours of maps, lowest first, as hexadecimal digits."""
    from gnl_core.plots.maps import colour_bar  # noqa: PLC0415 (matplotlib takes half a second to import)

    return colour_bar(width_px=256, height_px=1).tobytes().hex()
