"""Hostile uploads, drawn from a seed: images of all kinds, damaged or forged, under names that lead elsewhere."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import PIL.Image

from tests.torture.front import values

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16")
FORMATS = (
    *["PNG"] * 8,
    *["JPEG"] * 8,
    "GIF",
    "BMP",
    "TIFF",
    "WEBP",
    "ICO",
    "PPM",
    "TGA",
    "DDS",
    "JPEG2000",
    "PDF",
    "EPS",
    "ICNS",
)
SIZES = ((0, 0), (1, 1), (7, 8), (8, 7), (8, 8), (20, 30), (64, 64), (1, 500), (2000, 9))
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (
    b"",
    b"\0",
    b"<html><script>alert(1)</script></html>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)' width='9' height='9'/>",
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>",
    b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\n",
    b"%PDF-1.4\n",
    b"GIF89a" + bytes(20),
    b"PK\x03\x04" + bytes(40),
    b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.",
    b"#define x_width 64\n#define x_height 64\nstatic char x_bits[] = {0};",
    b"\xff\xd8\xff",
    SIGNATURE,
)


class Upload(NamedTuple):
    """An uploaded file.

    Attributes:
        name: The name that its sender gives it.
        content: Its bytes.
    """

    name: str
    content: bytes


def draw_upload(generator: random.Random) -> Upload:
    """A hostile upload."""
    content = generator.choice(KINDS)(generator)
    for spoil in generator.sample(SPOILS, generator.choice([0, 0, 0, 1, 1, 2])):
        content = spoil(content, generator)
    return Upload(generator.choice([values.draw(generator), "a.png", "b.jpg"]), content)


def draw_picture(generator: random.Random) -> bytes:
    """A picture of any mode, format and size, with one or more frames; a text if the format has no such mode."""
    width, height = generator.choice(SIZES)
    picture = (
        PIL.Image.frombytes("L", (width, height), generator.randbytes(width * height))
        if width
        else PIL.Image.new("L", (0, 0))
    )
    stream, form = io.BytesIO(), generator.choice(FORMATS)
    options = {"save_all": True, "append_images": [picture] * 3} if generator.random() < 0.2 else {}
    try:
        convert(picture, generator.choice(MODES)).save(stream, form, **options)
    except (OSError, ValueError, KeyError, SystemError, TypeError, AttributeError, ZeroDivisionError, MemoryError):
        return generator.choice(TEXTS)
    return stream.getvalue()


def convert(picture: PIL.Image.Image, mode: str) -> PIL.Image.Image:
    """The picture in another mode, of those that Pillow converts grey to."""
    if mode == "I;16":
        return PIL.Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    return picture.convert("RGB").convert(mode) if mode in ("LAB", "HSV", "YCbCr", "CMYK") else picture.convert(mode)


def draw_png(generator: random.Random) -> bytes:
    """A PNG whose header claims any size, depth and colours, around few pixels or very many equal ones."""
    side = generator.choice([0, 1, 8, 30, 4000, 5001, 20_000, 2**31 - 1, 2**32 - 1])
    other = generator.choice([side, 1, 8, 9000])
    depth, colours = generator.choice([1, 2, 4, 8, 16, 3, 255]), generator.choice([0, 2, 3, 4, 6, 7])
    header = struct.pack(">IIBBBBB", side, other, depth, colours, 0, 0, generator.choice([0, 0, 1, 9]))
    pixels = zlib.compress(bytes(generator.choice([0, 100, 30 * 31 * 8, 10_000_000])), 9)
    more = generator.choice(
        [b"", chunk(b"tEXt", b"a\0" + b"<b>" * 1000), bomb(b"zTXt"), bomb(b"iCCP"), chunk(b"acTL", b"\xff" * 8)]
    )
    return SIGNATURE + chunk(b"IHDR", header) + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(kind: bytes) -> bytes:
    """A compressed text or colour profile of 50 MB."""
    return chunk(kind, b"a\0\0" + BOMB)


BOMB = zlib.compress(bytes(50_000_000), 9)


def draw_text(generator: random.Random) -> bytes:
    """What is no image."""
    return generator.choice([*TEXTS, generator.randbytes(generator.randrange(2000))])


def truncate(content: bytes, generator: random.Random) -> bytes:
    """Only the beginning."""
    return content[: generator.randrange(len(content) + 1)]


def flip(content: bytes, generator: random.Random) -> bytes:
    """A few bits flipped."""
    changed = bytearray(content)
    for _ in range(min(len(changed), generator.choice([1, 3, 30]))):
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    return bytes(changed)


def forge(content: bytes, generator: random.Random) -> bytes:
    """The beginning of another format."""
    return generator.choice([SIGNATURE, b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0", b"BM"]) + content[8:]


def extend(content: bytes, generator: random.Random) -> bytes:
    """Something after the end."""
    return content + generator.choice(
        [b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(40), content, bytes(100_000)]
    )


def enlarge(content: bytes, generator: random.Random) -> bytes:
    """More bytes than any server takes."""
    return content + bytes(generator.choice([2**20, 11 * 2**20]))


Spoil = Callable[[bytes, random.Random], bytes]
KINDS: tuple[Callable[[random.Random], bytes], ...] = (draw_picture, draw_picture, draw_png, draw_text)
SPOILS: tuple[Spoil, ...] = (truncate, flip, flip, forge, extend, enlarge)
