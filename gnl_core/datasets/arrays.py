"""Read files that contain many images as one array, NumPy's .npz and MNIST's IDX, without unpickling.

Sizes are read from the headers and checked before memory is allocated.
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.images import describe
from gnl_core.files import open_file

LARGEST_BYTES = 2**30
GZIP = b"\x1f\x8b"  # first bytes of a gzipped file; IDX begins with zeros
UNSIGNED_BYTES = 8  # IDX's code of the only type that MNIST uses
Readable = gzip.GzipFile | IO[bytes]


def npz_shape(path: Path, name: str) -> tuple[int, ...]:
    """Read the shape of an array in an .npz file from its header.

    Raises:
        ValueError: If the file or the array is missing, damaged, not of whole numbers, or too large.
    """
    with (
        explained(f"{path} contains no readable array {name!r}"),
        open_file(path, limit_bytes=LARGEST_BYTES) as file,
        zipfile.ZipFile(file) as archive,
        archive.open(f"{name}.npy") as stream,
    ):
        shape, dtype = read_npy_header(stream)
    if dtype.kind not in "iu" or math.prod(shape) * dtype.itemsize > LARGEST_BYTES:
        raise ValueError(f"{path} contains {name!r} as {shape} of {dtype}; expected integers, at most 1 GiB")
    return shape


def read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Read shape and type from the beginning of an .npy stream."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    shape, _, dtype = readers[version](stream)
    return shape, dtype


def read_npz(path: Path, name: str) -> NDArray[np.integer]:
    """Read an array of an .npz file.

    Raises:
        ValueError: As for `npz_shape`.
    """
    npz_shape(path, name)
    with (
        explained(f"the array {name!r} in {path} is damaged"),
        open_file(path, limit_bytes=LARGEST_BYTES) as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        return archive[name]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read the array of an IDX file (yann.lecun.com/exdb/mnist), gzipped or not, regardless of its name.

    Raises:
        ValueError: If the file is missing, damaged, not of unsigned bytes, or too large.
    """
    with explained(f"{path} is not a readable IDX file"), open_file(path, limit_bytes=LARGEST_BYTES) as file:
        is_zipped = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if is_zipped else file
        shape = read_idx_header(stream)
        values = stream.read(math.prod(shape) + 1)
    if len(values) != math.prod(shape):
        raise ValueError(f"{path} has too few or too many bytes for its shape {shape}; download the file again")
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_idx_header(stream: Readable) -> tuple[int, ...]:
    """Read the shape from the beginning of an IDX stream."""
    zeros, kind, dimensions = struct.unpack(">HBB", stream.read(4))
    if zeros or kind != UNSIGNED_BYTES:
        raise ValueError("expected the type of unsigned bytes")
    shape = struct.unpack(f">{dimensions}I", stream.read(4 * dimensions))
    if math.prod(shape) > LARGEST_BYTES:
        raise ValueError(f"its shape {shape} is too large")
    return shape


@contextmanager
def explained(failure: str) -> Iterator[None]:
    """Turn any error within the block into one sentence that begins with the failure."""
    try:
        yield
    except Exception as error:  # a damaged header makes NumPy and zipfile raise nearly anything
        raise ValueError(f"{failure} ({describe(error)}); download the file again") from None
