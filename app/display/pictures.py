"""Pictures as files and as data URLs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass

JPEG_OPTIONS = {"quality": 95, "subsampling": 0}  # keep thin lines on the maps sharp


TILE_PX = 160
NO_MAP = "scores only"
NO_MAP_GROUND, NO_MAP_INK = (38, 42, 48), (214, 218, 224)  # as dark as an empty map, readable in both themes


def picture_url(picture: NDArray[np.uint8]) -> str:
    """Encode a picture as a data URL for `st.image`, which then travels in the page's own message.

    A slow browser may not be able to fetch it as a separate file: Streamlit drops the files of a page that is rerunning
    as soon as any visitor's run ends.

    Args:
        picture: RGB or RGBA, shape (H, W, 3) or (H, W, 4).

    Returns:
        A data URL: JPEG, or PNG for a picture with transparency.
    """
    if picture.shape[-1] == len("RGBA"):
        return data_url("image/png", to_png(picture))
    return data_url("image/jpeg", encode(picture, format="JPEG", **JPEG_OPTIONS))


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture as PNG."""
    return encode(picture, format="PNG")


def encode(picture: NDArray[np.uint8], **options: Any) -> bytes:
    """Encode a picture, with Pillow's options for saving."""
    file = io.BytesIO()
    PIL.Image.fromarray(picture).save(file, **options)
    return file.getvalue()


def data_url(kind: str, content: bytes) -> str:
    """Build a data URL from a file's content."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def enlarge(pixels: NDArray[Any], *, side_px: int = TILE_PX) -> NDArray[Any]:
    """Resize a picture or a mask to a square tile; the pixels of small pictures stay visible as squares."""
    picture = PIL.Image.fromarray(pixels)
    large = max(picture.size) > side_px and picture.mode != "1"
    return np.asarray(
        picture.resize((side_px, side_px), PIL.Image.Resampling.LANCZOS if large else PIL.Image.Resampling.NEAREST)
    )


def without_map(*, side_px: int = TILE_PX) -> NDArray[np.uint8]:
    """Draw the placeholder for the map of a method that has no maps."""
    picture = PIL.Image.new("RGB", (side_px, side_px), NO_MAP_GROUND)
    centre = (side_px / 2, side_px / 2)
    PIL.ImageDraw.Draw(picture).text(centre, NO_MAP, fill=NO_MAP_INK, font=PIL.ImageFont.load_default(15), anchor="mm")
    return np.asarray(picture)
