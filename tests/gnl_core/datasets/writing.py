"""Writers of PNG, TIFF and BMP files that Pillow does not write, with only the parts that the formats require."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SHORT, LONG = 3, 4  # types of TIFF's fields
BITS, COMPRESSION, PHOTOMETRIC, PLANES, EXTRA, FORMAT, COLOURS, SUBSAMPLING = 258, 259, 262, 284, 338, 339, 320, 530
DEFLATE, SEPARATE = 8, 2


def packed(samples: np.ndarray, bits: int, order: str) -> bytes:
    """Rows of samples, each row filled up to whole bytes."""
    if bits in (8, 16, 32):
        return samples.astype(f"{order}u{bits // 8}").tobytes()
    places = np.arange(bits)[::-1]
    return np.packbits((samples.reshape(len(samples), -1, 1) >> places & 1).reshape(len(samples), -1), axis=1).tobytes()


def tiff_file(
    samples: np.ndarray,
    *,
    bits: int,
    photometric: int,
    order: str = "<",
    fields: dict[int, tuple[int, ...]] | None = None,
) -> bytes:
    """A TIFF file of one strip, or one for each plane; samples have shape (H, W) or (H, W, channels)."""
    samples = samples.reshape(*samples.shape[:2], -1)
    height, width, channels = samples.shape
    shorts = {BITS: (bits,) * channels, PHOTOMETRIC: (photometric,), 277: (channels,), **(fields or {})}
    planes = np.split(samples, channels, axis=2) if shorts.get(PLANES) == (SEPARATE,) else [samples]
    strips = [packed(plane, bits, order) for plane in planes]
    if shorts.get(COMPRESSION) == (DEFLATE,):
        strips = [zlib.compress(strip) for strip in strips]
    starts = 8 + np.cumsum([0, *map(len, strips)])
    longs = {256: (width,), 257: (height,), 278: (height,), 279: tuple(map(len, strips)), 273: tuple(starts[:-1])}
    table = {n: (SHORT, "H", v) for n, v in shorts.items()} | {n: (LONG, "I", v) for n, v in longs.items()}
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, starts[-1])
    return start + b"".join(strips) + directory(table, at=int(starts[-1]), order=order)


def directory(table: dict[int, tuple[int, str, tuple[int, ...]]], *, at: int, order: str) -> bytes:
    """TIFF's directory of fields, followed by the values that do not fit into it."""
    entries, behind = b"", b""
    behind_at = at + 2 + 12 * len(table) + 4
    for number, (kind, letter, values) in sorted(table.items()):
        value = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(value) > 4:
            value, behind = struct.pack(f"{order}I", behind_at + len(behind)), behind + value
        entries += struct.pack(f"{order}HHI", number, kind, len(values)) + value.ljust(4, b"\0")
    return struct.pack(f"{order}H", len(table)) + entries + bytes(4) + behind


def png_file(samples: np.ndarray, *, bits: int, kind: int, chunks: dict[bytes, bytes] | None = None) -> bytes:
    """A PNG file; its colour type is 0 (grey), 2 (RGB), 3 (palette), 4 (grey and alpha) or 6 (RGB and alpha)."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + packed(row[None], bits, ">") for row in samples)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    contents = {b"IHDR": header, **(chunks or {}), b"IDAT": zlib.compress(rows), b"IEND": b""}
    encoded = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in contents.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(encoded)


def bmp_file(rows: bytes, *, bits: int, size: tuple[int, int], greys: list[int]) -> bytes:
    """A BMP file with a palette of greys; rows come from the bottom up, each filled up to four bytes."""
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in greys)
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, 0, len(rows), 0, 0, len(greys), 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows
