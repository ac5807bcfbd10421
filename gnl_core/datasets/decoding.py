"""Decode the content of an image file to 8-bit RGB, as declared by its header, regardless of the file's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import PIL.Image
import PIL.ImageOps
from PIL.ImageFile import ImageFile

from gnl_core.datasets.base import Image
from gnl_core.datasets.headers import bits_per_sample, format_of, is_white_zero, name_misread

STRIP_PIXELS = 2**20
SIXTEEN_TO_EIGHT_BITS = 257  # 65535 / 255
EIGHT_BITS_OF = np.round(np.arange(2**16) / SIXTEEN_TO_EIGHT_BITS).astype(np.uint8)
UNUSABLE = {
    "I": "32-bit or signed whole numbers, whose range is unknown",
    "F": "floating-point numbers, whose range is unknown",
    "LAB": "Lab colours",
}
WITH_ALPHA = {"1": "LA", "L": "LA", "RGB": "RGBA"}


class UnusablePixelsError(ValueError):
    """Unsupported pixels; the message names them and follows "holds"."""


def open_picture(file: IO[bytes], formats: Sequence[str]) -> ImageFile:
    """Open an image by its content, without loading the pixels.

    Args:
        file: A seekable stream.
        formats: Pillow's names of the formats that are accepted.

    Raises:
        UnusablePixelsError: If the format is accepted, but Pillow cannot decode this variant.
        UnidentifiedImageError: If the format is not accepted.
    """
    try:
        return PIL.Image.open(file, formats=list(formats))
    except PIL.UnidentifiedImageError:
        file.seek(0)
        name = format_of(file.read(12))
        if name not in formats:
            raise
    raise UnusablePixelsError(f"{name} pixels whose depth or kind is not supported, or a damaged header")


def decode(picture: ImageFile) -> PIL.Image.Image:
    """Load the pixels: upright, with 0 as black, and transparency as an alpha channel or in a palette.

    Args:
        picture: The result of `open_picture`, which is turned upright in place.

    Returns:
        A picture in the file's mode, or the same mode with alpha. Grey of 12 or 16 bits has mode "I;16", from 0 to
        65535, without an alpha channel: a transparent level stays in `info["transparency"]`. Grey of 1 to 8 bits
        is from 0 to 255.

    Raises:
        UnusablePixelsError: If Pillow would misread the pixels.
    """
    misread = name_misread(picture)
    if misread is not None:
        raise UnusablePixelsError(misread)
    bits, white_is_zero = bits_per_sample(picture), is_white_zero(picture)  # loading closes the file
    PIL.ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I;16"):
        return spread_levels(picture, bits=bits, white_is_zero=white_is_zero)
    return add_alpha(picture, bits=bits)


def spread_levels(picture: PIL.Image.Image, *, bits: int, white_is_zero: bool) -> PIL.Image.Image:
    """Scale grey of 12 or 16 bits to the range from 0 (black) to 65535; Pillow returns it as stored."""
    levels = np.asarray(picture).astype(np.uint16, copy=False)
    if bits == 12:
        levels = (levels << 4 | levels >> 8).astype(np.uint16)  # 4095 becomes 65535
    spread = PIL.Image.fromarray(~levels if white_is_zero else levels)
    spread.info = picture.info
    return spread


def add_alpha(picture: PIL.Image.Image, *, bits: int) -> PIL.Image.Image:
    """Convert a single transparent grey or colour, and premultiplied grey, to a plain alpha channel."""
    if picture.mode == "La":
        return picture.convert("LA")
    if "transparency" not in picture.info or picture.mode not in WITH_ALPHA:
        return picture
    if picture.mode == "L":  # Pillow scales pixels of 2 or 4 bits to 8, but not this level
        picture.info["transparency"] *= 255 // (2**bits - 1)
    return picture.convert(WITH_ALPHA[picture.mode])


def to_rgb(picture: PIL.Image.Image) -> Image:
    """Convert a decoded picture to 8-bit RGB; transparent pixels are blended with white.

    Args:
        picture: The result of `decode`.

    Returns:
        uint8, shape (H, W, 3).

    Raises:
        UnusablePixelsError: If no rule converts the pixels to 8 bits.
    """
    if picture.mode in UNUSABLE:
        raise UnusablePixelsError(UNUSABLE[picture.mode])
    if picture.mode == "I;16":
        return grey_to_rgb(picture)
    pixels = np.empty((picture.height, picture.width, 3), dtype=np.uint8)
    for rows, strip in cut_into_strips(picture):
        pixels[rows] = np.asarray(lay_on_white(strip))
    return pixels


def cut_into_strips(picture: PIL.Image.Image) -> Iterator[tuple[slice, PIL.Image.Image]]:
    """Yield strips of a picture from top to bottom, each after its rows: copies of a large picture need much memory."""
    height = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, height):
        bottom = min(top + height, picture.height)
        yield slice(top, bottom), picture.crop((0, top, picture.width, bottom))


def lay_on_white(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert a picture to RGB; transparent pixels are blended with white."""
    if picture.has_transparency_data:
        colours = picture.convert("RGBA")
        white = PIL.Image.new("RGBA", colours.size, "white")
        picture = PIL.Image.alpha_composite(white, colours)
    return picture.convert("RGB")


def grey_to_rgb(picture: PIL.Image.Image) -> Image:
    """Convert 16-bit grey to 8-bit RGB, rounded; a lookup table needs less memory than floating-point numbers."""
    levels = np.asarray(picture)
    grey = EIGHT_BITS_OF[levels]
    if "transparency" in picture.info:
        grey[levels == picture.info["transparency"]] = 255
    return np.repeat(grey[..., None], 3, axis=2)
