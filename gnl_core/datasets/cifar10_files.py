"""Read CIFAR-10's files, in the binary version and in the Python version, whose pickles are read but not executed.

A pickle is a program that builds objects. `pickletools.genops` only disassembles it; pixels and classes are among its
operands.
"""

from __future__ import annotations

import pickletools  # it lists the steps of a pickle, and runs none  # nosec B403
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import Image
from gnl_core.datasets.images import describe
from gnl_core.files import open_file, read_bytes

SIDE_PX = 32
IMAGE_BYTES = 3 * SIDE_PX * SIDE_PX  # a red, a green and a blue plane
CLASS_COUNT = 10
RECORD_BYTES = 1 + IMAGE_BYTES  # in the binary version, the class precedes the planes
LARGEST_PICKLE_BYTES = 2**26  # twice the originals
LARGEST_BINARY_BYTES = 2**30
KEYS = ("batch_label", "labels", "data", "filenames")  # of the dictionary that the pickle builds
STRINGS = ("SHORT_BINSTRING", "BINSTRING")  # Python 2's, as in the originals
INTEGERS = ("BININT1", "BININT2", "BININT")
BINSTRING_BYTES = 5  # its opcode and the length of its text
OPERATIONS_PER_IMAGE = 8  # the originals have three: a class, a file name and its memo
OTHER_OPERATIONS = 200

Operand = tuple[str, str, Any, int]  # preceding key, opcode, value, position of the opcode


class ImageFile(NamedTuple):
    """One file of either version.

    Attributes:
        classes: Class index of each image, shape (n,).
        planes: Pixels, shape (n, 3072), read from the file on demand.
    """

    classes: NDArray[np.uint8]
    planes: NDArray[np.uint8]


@lru_cache(maxsize=8)
def load_file(path: Path) -> ImageFile:
    """Open a file of either version; `.bin` means the binary version.

    Raises:
        ValueError: If it is damaged or not such a file.
    """
    return load_binary(path) if path.suffix == ".bin" else load_pickled(path)


def read_record(path: Path, index: int) -> Image:
    """Read one image of a file; RGB, shape (32, 32, 3)."""
    planes = load_file(path).planes[index].reshape(3, SIDE_PX, SIDE_PX)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def load_binary(path: Path) -> ImageFile:
    """Open a file of the binary version.

    Raises:
        ValueError: If its size is not a whole number of records, or a class is not 0 to 9.
    """
    size = path.stat().st_size
    if not size or size % RECORD_BYTES:
        raise ValueError(f"{path} has {size} bytes, expected a multiple of {RECORD_BYTES}; download it again")
    with open_file(path, limit_bytes=LARGEST_BINARY_BYTES) as file:
        records = np.memmap(file, np.uint8, mode="r", shape=(size // RECORD_BYTES, RECORD_BYTES))
    if records[:, 0].max() >= CLASS_COUNT:
        raise ValueError(f"{path} has a class above 9; expected CIFAR-10's binary version, download it again")
    return ImageFile(records[:, 0], records[:, 1:])


def load_pickled(path: Path) -> ImageFile:
    """Open a file of the Python version without running its pickle: no object is built, no name is resolved.

    Raises:
        ValueError: If it is damaged, or its contents differ from the originals.
    """
    with explained(path):
        size = path.stat().st_size
        if size > LARGEST_PICKLE_BYTES:
            raise ValueError(f"it has {size} bytes")
        program = read_bytes(path, limit_bytes=LARGEST_PICKLE_BYTES)
        classes, start = find_images(disassemble(program, image_limit=size // IMAGE_BYTES))
        with open_file(path, limit_bytes=LARGEST_PICKLE_BYTES) as file:
            planes = np.memmap(file, np.uint8, mode="r", offset=start, shape=(len(classes), IMAGE_BYTES))
        return ImageFile(classes, planes)


def disassemble(program: bytes, *, image_limit: int) -> Iterator[Operand]:
    """Yield the operands of a pickle's program, each with the key that precedes it.

    Raises:
        ValueError: If it is damaged, or longer than `image_limit` images need.
    """
    key = ""
    for number, (opcode, value, place) in enumerate(pickletools.genops(program)):
        if number > OPERATIONS_PER_IMAGE * image_limit + OTHER_OPERATIONS:
            raise ValueError("it has too many operations")
        if opcode.name in STRINGS and value in KEYS:
            key = value
        else:
            yield key, opcode.name, value, place or 0


def find_images(operands: Iterable[Operand]) -> tuple[NDArray[np.uint8], int]:
    """Find the classes, and the position in the file where the pixels begin.

    The pixels are the only long text after "data", the memory of an array whose type "u1" and shape (n, 3072) are
    there too; the classes are the numbers after "labels".

    Raises:
        ValueError: If the operands do not follow this form.
    """
    classes: list[int] = []
    numbers: list[int] = []
    texts: list[str] = []
    blocks: list[tuple[int, int]] = []  # position and length of each long text
    for key, opcode, value, place in operands:
        if key == "labels" and opcode in INTEGERS:
            classes.append(value)
        elif key == "data" and opcode in INTEGERS:
            numbers.append(value)
        elif key == "data" and opcode in STRINGS and len(value) >= IMAGE_BYTES:
            blocks.append((place + BINSTRING_BYTES, len(value)))
        elif key == "data":
            texts.append(value if opcode in STRINGS else opcode)
    count = len(classes)
    if not classes or not 0 <= min(classes) <= max(classes) < CLASS_COUNT:
        raise ValueError("it has no list of classes 0 to 9")
    if [length for _, length in blocks] != [count * IMAGE_BYTES] or (count, IMAGE_BYTES) not in pairwise(numbers):
        raise ValueError(f"it has no {IMAGE_BYTES} bytes for each of its {count} classes")
    if "u1" not in texts or "NEWTRUE" in texts:  # true: the array is stored column by column
        raise ValueError("its array is not of unsigned bytes, row by row")
    return np.array(classes, np.uint8), blocks[0][0]


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn any error with a pickle within the block into one sentence with its name."""
    try:
        yield
    except Exception as error:  # a damaged pickle makes the disassembler raise nearly anything
        raise ValueError(
            f"{path} cannot be read as CIFAR-10's Python version ({describe(error)}); download it again"
        ) from None
