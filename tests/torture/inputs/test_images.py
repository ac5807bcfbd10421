"""Images and masks of every format that is read, changed in every way: decoded, or refused in one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.arrays import read_idx, read_npz
from gnl_core.datasets.cifar10_files import load_file, read_record
from gnl_core.datasets.images import colour_mode, image_size, read_image, read_mask, read_mask_of
from tests.gnl_core.datasets.test_cifar10_files import pickled
from tests.torture.inputs.conftest import World
from tests.torture.inputs.mutations import Mutation, byte_mutations, choose, restore, special_mutations, writing
from tests.torture.inputs.trying import Tries

SIDE_PX = 24
NUMBERS = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1)


def encode(form: str, mode: str, **settings: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).convert(mode).save(buffer, form, **settings)
    return buffer.getvalue()


IMAGES: dict[str, bytes] = {
    "rgb.png": encode("PNG", "RGB"),
    "alpha.png": encode("PNG", "RGBA"),
    "palette.png": encode("PNG", "P", transparency=3),
    "bits.png": encode("PNG", "1"),
    "deep.png": encode("PNG", "I;16"),
    "rgb.jpg": encode("JPEG", "RGB"),
    "progressive.jpeg": encode("JPEG", "RGB", progressive=True),
    "ink.jpg": encode("JPEG", "CMYK"),
    "rgb.bmp": encode("BMP", "RGB"),
    "palette.bmp": encode("BMP", "P"),
    "rgb.tif": encode("TIFF", "RGB"),
    "packed.tiff": encode("TIFF", "RGB", compression="tiff_lzw"),
    "float.tif": encode("TIFF", "F"),
    "fax.tif": encode("TIFF", "1", compression="group4"),
    "rgb.webp": encode("WEBP", "RGB"),
    "lossless.webp": encode("WEBP", "RGBA", lossless=True),
}


def chunk_mutations(content: bytes) -> list[Mutation]:
    """Changes of a PNG's chunks with valid checksums, which random changes never have."""
    start, header, rest = content[:8], content[16:29], content[33:]
    mutations = [
        writing(
            f"{width}x{height}, {bits} bits, type {kind}",
            lambda head=(width, height, bits, kind): build(start, head, rest),
        )
        for width, height in [(number, other) for number in NUMBERS for other in (1, 2**31 - 1)]
        for bits, kind in [(8, 2), (1, 0), (16, 6), (8, 3), (7, 5)]
    ]
    texts = [
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**7))),
        chunk(b"iCCP", b"a\0\0x"),
        chunk(b"eXIf", b"MM\0*\xff"),
    ]
    more = [
        chunk(b"acTL", struct.pack(">II", 2**31, 0)),
        chunk(b"PLTE", b"\0"),
        chunk(b"tRNS", b""),
        chunk(b"IHDR", header),
    ]
    for number, one in enumerate((*texts, *more)):
        mutations.append(writing(f"chunk {number}", lambda one=one: content[:33] + one + rest))
        mutations.append(writing(f"chunk {number}, 500 times", lambda one=one: content[:33] + one * 500 + rest))
    return mutations


def build(start: bytes, head: tuple[int, int, int, int], rest: bytes) -> bytes:
    return start + chunk(b"IHDR", struct.pack(">IIBBBBB", *head, 0, 0, 0)) + rest


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def mutations_of(name: str, content: bytes) -> list[Mutation]:
    foreign = [writing(f"content of {other}", lambda other=other: IMAGES[other]) for other in IMAGES]
    found = special_mutations() + byte_mutations(content, count=120, seed=8) + foreign
    return found + (chunk_mutations(content) if name == "rgb.png" else [])


def read_all(path: Path) -> None:
    """Everything that is read of an image or a mask; each is refused alone."""
    errors = []
    for read in (read_image, image_size, colour_mode, read_mask, lambda one: read_mask_of(one, one)):
        try:
            read(path)
        except ValueError as error:
            errors.append(error)
    if errors:
        raise max(errors, key=lambda error: len(str(error)))


@pytest.mark.parametrize("name", IMAGES)
def test_a_changed_image_is_decoded_or_refused(name: str, world: World, tries: Tries):
    path = world.fresh("finished").path / name
    for mutation in choose(mutations_of(name, IMAGES[name]), count=tries.scaled(short=12, full=130), seed=9):
        restore(path, IMAGES[name])
        mutation.apply(path)
        tries.call(lambda: read_all(path), name=f"{name}: {mutation.name}", must_refuse=mutation.is_special)
    tries.finish(f"images and masks, {name}")


def idx() -> bytes:
    return struct.pack(">HBBIII", 0, 8, 3, 4, 28, 28) + bytes(4 * 28 * 28)


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.zeros((4, 28, 28), np.uint8))
    return buffer.getvalue()


ARRAYS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "train-images.idx": (idx(), read_idx),
    "mnist.npz": (npz(), lambda path: read_npz(path, "x")),
    "data_batch_1": (pickled(), load_file),
    "data_batch_1.bin": (bytes(3 * 3073), lambda path: read_record(path, 2)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_changed_file_of_many_images_is_read_or_refused(name: str, world: World, tries: Tries):
    content, read = ARRAYS[name]
    path = world.fresh("finished").path / name
    everything = special_mutations() + byte_mutations(content, count=300, seed=10)
    for mutation in choose(everything, count=tries.scaled(short=20, full=250), seed=11):
        restore(path, content)
        mutation.apply(path)
        load_file.cache_clear() if hasattr(load_file, "cache_clear") else None
        tries.call(lambda: read(path), name=f"{name}: {mutation.name}", must_refuse=mutation.is_special)
    tries.finish(f"files of many images, {name}")
