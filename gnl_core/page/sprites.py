"""Many small pictures in one: images, and anomaly maps in grey."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

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
    small = [picture.convert(mode).resize((side_px, side_px), PIL.Image.Resampling.BOX) for picture in pictures]
    sheet, columns = arrange(small)
    return Sprite(webp_url(sheet, quality=QUALITY), columns, side_px)


def lossless_sheet(images: NDArray[np.uint8]) -> tuple[str, int]:
    """Place RGB images, shape (n, H, W, 3), side by side in a lossless picture; return its data URL and its columns."""
    sheet, columns = arrange([PIL.Image.fromarray(image) for image in images])
    return webp_url(sheet, lossless=True), columns


def arrange(pictures: Sequence[PIL.Image.Image]) -> tuple[PIL.Image.Image, int]:
    """Place pictures of one size and mode in rows, about as many rows as columns; return them and the columns."""
    width, height = pictures[0].size
    columns = math.ceil(math.sqrt(len(pictures)))
    sheet = PIL.Image.new(pictures[0].mode, (columns * width, math.ceil(len(pictures) / columns) * height))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        sheet.paste(picture, (column * width, row * height))
    return sheet, columns


def webp_url(picture: PIL.Image.Image, **settings: Any) -> str:
    """Write a picture as WebP, with Pillow's settings, in a data URL."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **settings)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def map_colours() -> str:
    """Return the 256 colours of maps, lowest first, as hexadecimal digits."""
    from gnl_core.plots.maps import colour_bar  # noqa: PLC0415 (matplotlib takes half a second to import)

    return colour_bar(width_px=256, height_px=1).tobytes().hex()
