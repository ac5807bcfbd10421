"""Pictures as files, and as addresses that hold them whole."""

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

WITHOUT_LOSS_OF_LINES = {"quality": 95, "subsampling": 0}  # thin lines lie on the maps


TILE_PX = 160
NO_MAP = "scores only"
NO_MAP_GROUND, NO_MAP_INK = (38, 42, 48), (214, 218, 224)  # as dark as an empty map, readable in both themes


def picture_url(picture: NDArray[np.uint8]) -> str:
    """A picture as an address for `st.image`: it comes in the page's own message.

    As a file of its own a slow browser may not find it: Streamlit drops the files of a page that is being run again
    as soon as any visitor's run ends.

    Args:
        picture: RGB or RGBA, shape (H, W, 3) or (H, W, 4).

    Returns:
        A data URL: JPEG, or PNG where there is transparency.
    """
    if picture.shape[-1] == len("RGBA"):
        return data_url("image/png", to_png(picture))
    return data_url("image/jpeg", encode(picture, format="JPEG", **WITHOUT_LOSS_OF_LINES))


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file."""
    return encode(picture, format="PNG")


def encode(picture: NDArray[np.uint8], **options: Any) -> bytes:
    """A picture as a file, with Pillow's options for writing one."""
    file = io.BytesIO()
    PIL.Image.fromarray(picture).save(file, **options)
    return file.getvalue()


def data_url(kind: str, content: bytes) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


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
