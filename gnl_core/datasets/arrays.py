"""Files that hold many images as one array: NumPy's .npz and MNIST's IDX. Nothing in them is unpickled.

Sizes are read from the headers and checked before memory is asked for.
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

LARGEST_BYTES = 2**30
GZIP = b"\x1f\x8b"  # what a gzipped file begins with; IDX begins with zeros
UNSIGNED_BYTES = 8  # IDX's code of the only type that MNIST uses
Readable = gzip.GzipFile | IO[bytes]


def npz_shape(path: Path, name: str) -> tuple[int, ...]:
    """Shape of an array in an .npz file, from its header.

    Raises:
        ValueError: If the file or the array is missing, damaged, not of whole numbers, or too large.
    """
    with (
        explained(f"{path} holds no readable array {name!r}"),
        zipfile.ZipFile(path) as archive,
        archive.open(f"{name}.npy") as stream,
    ):
        shape, dtype = read_npy_header(stream)
    if dtype.kind not in "iu" or math.prod(shape) * dtype.itemsize > LARGEST_BYTES:
        raise ValueError(f"{path} holds {name!r} as {shape} of {dtype}; expected whole numbers, at most 1 GiB of them")
    return shape


def read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type from the beginning of an .npy stream."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    shape, _, dtype = readers[version](stream)
    return shape, dtype


def read_npz(path: Path, name: str) -> NDArray[np.integer]:
    """One array of an .npz file.

    Raises:
        ValueError: As `npz_shape`.
    """
    npz_shape(path, name)
    with explained(f"the array {name!r} in {path} is damaged"), np.load(path, allow_pickle=False) as archive:
        return archive[name]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file (yann.lecun.com/exdb/mnist), gzipped or not, whatever its name says.

    Raises:
        ValueError: If the file is missing, damaged, not of unsigned bytes, or too large.
    """
    with explained(f"{path} is not a readable IDX file"), path.open("rb") as file:
        is_zipped = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if is_zipped else file
        shape = read_idx_header(stream)
        values = stream.read(math.prod(shape) + 1)
    if len(values) != math.prod(shape):
        raise ValueError(f"{path} has too few or too many bytes for its shape {shape}; fetch the file again")
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_idx_header(stream: Readable) -> tuple[int, ...]:
    """Shape from the beginning of an IDX stream."""
    zeros, kind, dimensions = struct.unpack(">HBB", stream.read(4))
    if zeros or kind != UNSIGNED_BYTES:
        raise ValueError("expected the type of unsigned bytes")
    shape = struct.unpack(f">{dimensions}I", stream.read(4 * dimensions))
    if math.prod(shape) > LARGEST_BYTES:
        raise ValueError(f"its shape {shape} is too large")
    return shape


@contextmanager
def explained(failure: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes one sentence that begins with the failure."""
    try:
        yield
    except Exception as error:  # a damaged header makes NumPy and zipfile raise nearly anything
        raise ValueError(f"{failure} ({describe(error)}); fetch the file again") from None
