"""Read what image headers declare beyond Pillow's modes, and recognise pixels that Pillow would misread.

A mode such as "L" or "I;16" does not say how many bits the file has per sample, or whether 0 is white. All functions
here expect a picture that is opened but not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

SIGNATURES = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "BMP": re.compile(rb"BM"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
ORIENTATION = 0x0112  # in both EXIF and TIFF
QUARTER_TURNS = range(5, 9)  # the orientations that swap height and width

# Fields of TIFF 6.0 and their relevant values
WIDTH, HEIGHT = 256, 257
BITS_PER_SAMPLE = 258
COMPRESSION, UNCOMPRESSED = 259, 1
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SAMPLES_PER_PIXEL = 277
PLANES, SEPARATE = 284, 2
EXTRA_SAMPLES, PREMULTIPLIED = 338, 1
SAMPLE_FORMAT, UNSIGNED, SIGNED = 339, 1, 2
SUBSAMPLING = 530

# Byte offsets in the headers of other formats
PNG_BITS = 24
BMP_HEADER_SIZE, OLD_SIZE = 14, 12  # OS/2's header is shorter
BMP_BITS, OLD_BMP_BITS = 28, 24


def format_of(start: bytes) -> str | None:
    """Identify the format of a file by its first bytes, by Pillow's name; None if it is not a supported format."""
    return next((name for name, signature in SIGNATURES.items() if signature.match(start)), None)


def upright_size(picture: ImageFile) -> tuple[int, int]:
    """Return height and width after the orientation is applied."""
    width, height = stored_size(picture)
    is_turned = picture.getexif().get(ORIENTATION) in QUARTER_TURNS
    return (width, height) if is_turned else (height, width)


def stored_size(picture: ImageFile) -> tuple[int, int]:
    """Return width and height before the orientation is applied; for TIFF files, `size` may be the size after it."""
    if isinstance(picture, TiffImageFile):
        return field(picture, WIDTH)[0], field(picture, HEIGHT)[0]
    return picture.size


def bits_per_sample(picture: ImageFile) -> int:
    """Return the number of bits per sample, or per index into a palette; 8 for formats without another number."""
    if isinstance(picture, TiffImageFile):
        return field(picture, BITS_PER_SAMPLE, 1)[0]
    if isinstance(picture, PngImageFile):
        return first_bytes(picture)[PNG_BITS]
    if isinstance(picture, BmpImageFile):
        start = first_bytes(picture)
        return start[OLD_BMP_BITS if start[BMP_HEADER_SIZE] == OLD_SIZE else BMP_BITS]
    return 8


def is_white_zero(picture: ImageFile) -> bool:
    """Return whether larger values are darker: true for TIFF files that declare it or declare nothing."""
    return isinstance(picture, TiffImageFile) and field(picture, PHOTOMETRIC, WHITE_IS_ZERO)[0] == WHITE_IS_ZERO


def is_uncompressed(picture: ImageFile) -> bool:
    """Return whether a TIFF file stores its samples without compression."""
    return field(picture, COMPRESSION, UNCOMPRESSED)[0] == UNCOMPRESSED


def name_misread(picture: ImageFile) -> str | None:
    """Name the pixels of a file that Pillow would misread, as a key of `MISREAD`; None if it reads them correctly."""
    return next((name for name, is_misread in MISREAD.items() if is_misread(picture)), None)


def has_signed_bytes(picture: ImageFile) -> bool:
    """Return whether Pillow would read -1 as 255."""
    return picture.mode == "L" and field(picture, SAMPLE_FORMAT, UNSIGNED)[0] == SIGNED


def has_inverted_floats(picture: ImageFile) -> bool:
    """Return whether larger floating-point numbers are darker."""
    return picture.mode == "F" and is_white_zero(picture)


def has_misread_planes(picture: ImageFile) -> bool:
    """Return whether channels are in separate planes that Pillow reads as 8 bit, does not invert or cannot combine."""
    if field(picture, PLANES)[:1] != (SEPARATE,):
        return False
    if is_uncompressed(picture):
        return bits_per_sample(picture) != 8 or is_white_zero(picture) or not has_plain_channels(picture)
    return field(picture, SAMPLES_PER_PIXEL)[:1] == (2,)  # grey with alpha


def has_plain_channels(picture: ImageFile) -> bool:
    """Return whether the channels are those of Pillow's mode, as separate planes require."""
    is_premultiplied = field(picture, EXTRA_SAMPLES)[:1] == (PREMULTIPLIED,)
    return picture.mode in ("L", "P", "RGB", "RGBA", "CMYK") and not is_premultiplied


def has_shared_chroma(picture: ImageFile) -> bool:
    """Return whether neighbouring pixels share chroma where Pillow expects three samples per pixel."""
    return picture.mode == "YCbCr" and is_uncompressed(picture) and field(picture, SUBSAMPLING, 2, 2) != (1, 1)


def has_transparent_deep_colour(picture: ImageFile) -> bool:
    """Return whether a 48-bit colour is declared transparent; Pillow keeps only the upper half of its bits."""
    return picture.mode == "RGB" and "transparency" in picture.info and bits_per_sample(picture) == 16


def has_small_grey_palette(picture: ImageFile) -> bool:
    """Return whether Pillow would misjudge indices into a grey palette: as 1 bit for two greys, as 8 bits for more."""
    if not isinstance(picture, BmpImageFile) or picture.info["compression"] != BmpImageFile.COMPRESSIONS["RAW"]:
        return False
    bits = bits_per_sample(picture)
    return bits != {"1": 1, "L": 8}.get(picture.mode, bits)


MISREAD: dict[str, Callable[[ImageFile], bool]] = {
    "signed 8-bit numbers, whose range is unknown": has_signed_bytes,
    "floating-point numbers where 0 is white": has_inverted_floats,
    "channels in separate planes whose depth or kind is not supported": has_misread_planes,
    "subsampled YCbCr colours without compression": has_shared_chroma,
    "16-bit colours, one of which is transparent": has_transparent_deep_colour,
    "a BMP palette of 2 or 16 greys for pixels of another depth": has_small_grey_palette,
}


def first_bytes(picture: ImageFile) -> bytes:
    """Read the beginning of the file without changing its position."""
    assert picture.fp is not None
    position = picture.fp.tell()
    picture.fp.seek(0)
    start = picture.fp.read(32)
    picture.fp.seek(position)
    return start


def field(picture: ImageFile, number: int, *default: int) -> tuple[int, ...]:
    """Get the values of a TIFF field; the default if it is missing, and for other formats."""
    value = picture.tag_v2.get(number, default) if isinstance(picture, TiffImageFile) else default
    return value if isinstance(value, tuple) else (value,)
