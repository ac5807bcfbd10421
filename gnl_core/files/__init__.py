"""Open files within bounds, read and hash them.

What a run, a comparison, a data set or a weight file has on disk is opened here, and nowhere else: regular files only,
none larger than its kind can be. A named pipe would never end a read, and a device would fill the memory.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from safetensors import SafetensorError, safe_open

from gnl_core.messages import shorten

if TYPE_CHECKING:  # the app draws its first chart before PyTorch is imported
    from numpy.typing import NDArray
    from torch import Tensor

BUILT_IN = 1  # NumPy's number for a type of its own
KIB, MIB, GIB = 2**10, 2**20, 2**30
TEXT_BYTES = 32 * MIB  # largest list of labels or epochs
IMAGE_BYTES = GIB  # largest image file; 50 megapixels of 16-bit colours are a third of it
SCORES_BYTES = GIB
WEIGHTS_BYTES = 16 * GIB
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))  # Windows has only the last


Version = tuple[int, int, int]  # of a file


class UnreadableFileError(ValueError):
    """A file that is there but cannot be used; the message is one sentence with its path."""


class DamagedFileError(UnreadableFileError):
    """A safetensors file whose content is damaged; the message is the reason alone."""


class TensorFile(NamedTuple):
    """Content of a safetensors file.

    Attributes:
        metadata: Text by name.
        tensors: Tensors by name, on the CPU.
    """

    metadata: dict[str, str]
    tensors: dict[str, Tensor]


class ArrayFile(NamedTuple):
    """Content of a safetensors file, for those who do without PyTorch.

    Attributes:
        metadata: Text by name.
        arrays: Arrays by name.
    """

    metadata: dict[str, str]
    arrays: dict[str, NDArray[Any]]


def real_path(path: Path) -> Path:
    """Return the absolute path without links and `..`; of links in a loop, as far as it can be followed."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for a loop


def open_file(path: Path, *, limit_bytes: int, writable: bool = False) -> BufferedReader:
    """Open a regular file of at most `limit_bytes`, at its beginning.

    Args:
        path: The file, or a link to it.
        limit_bytes: The largest size that this kind of file can have.
        writable: Whether it can also be written.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it is a folder, a named pipe, a device or a socket, cannot be opened, or is larger.
    """
    try:
        check_regular(path, path.stat().st_mode)  # opening a device can have effects
        stream = cast(BufferedReader, open(path, "r+b" if writable else "rb", opener=open_at_once))  # noqa: SIM115
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no file {path}") from None
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        facts = os.fstat(stream.fileno())
        check_regular(path, facts.st_mode)  # again: it may have been replaced
        if facts.st_size > limit_bytes:
            raise UnreadableFileError(
                f"{path} has {facts.st_size:,} bytes, but such a file has at most {limit_bytes:,}; restore or remove it"
            )
    except BaseException:
        stream.close()
        raise
    return stream


def open_at_once(path: str, flags: int) -> int:
    """Open a file for `open` without waiting, as for the other end of a named pipe."""
    return os.open(path, flags | FLAGS)


def check_regular(path: Path, mode: int) -> None:
    """Raise UnreadableFileError unless a mode is that of a regular file."""
    if not stat.S_ISREG(mode):
        raise UnreadableFileError(
            f"{path} is {name_kind(mode)}, where a file is expected; restore the file, or remove this"
        )


def name_kind(mode: int) -> str:
    """Name what has a mode other than a regular file's, such as "a folder"."""
    return next((name for is_kind, name in KINDS if is_kind(mode)), "a special file")


def read_bytes(path: Path, *, limit_bytes: int) -> bytes:
    """Read a whole file; errors as for `open_file`."""
    with open_file(path, limit_bytes=limit_bytes) as stream:
        return stream.read(os.fstat(stream.fileno()).st_size)  # read(n) allocates n bytes


def read_text(path: Path, *, limit_bytes: int = TEXT_BYTES) -> str:
    """Read a whole file as UTF-8; errors as for `open_file`, and UnreadableFileError if it is not UTF-8."""
    return decode_text(read_bytes(path, limit_bytes=limit_bytes), source=str(path))


def decode_text(content: bytes, *, source: str) -> str:
    """Decode UTF-8; if it is not, raise UnreadableFileError."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{source} is not UTF-8 text (byte {error.start + 1}); restore the file") from None


def read_end(path: Path, *, most_bytes: int) -> bytes:
    """Read the end of a file of any size; errors as for `open_file`."""
    with open_file(path, limit_bytes=2**63) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - most_bytes))
        return stream.read(most_bytes)


def read_tensors(path: Path) -> TensorFile:
    """Read a safetensors file; no code in it is executed.

    Raises:
        FileNotFoundError: If there is no file.
        DamagedFileError: If it is damaged.
        UnreadableFileError: As for `open_file`.
    """
    return TensorFile(*read_safetensors(path, framework="pt"))


def read_arrays(path: Path) -> ArrayFile:
    """Read a safetensors file as `read_tensors` does, without PyTorch.

    Raises:
        DamagedFileError: Also if it has a type of numbers that NumPy lacks, such as bfloat16; we write none.
    """
    try:
        file = ArrayFile(*read_safetensors(path, framework="np"))
    except (TypeError, AttributeError) as error:  # of safetensors, about such a type
        raise DamagedFileError(shorten(str(error))) from None
    added = next((array.dtype for array in file.arrays.values() if array.dtype.isbuiltin != BUILT_IN), None)
    if added is not None:  # another package has added it to NumPy in this process
        raise DamagedFileError(f"data type '{added}' not understood")
    return file


def read_metadata(path: Path) -> tuple[dict[str, str], None]:
    """Read the metadata of a safetensors file, and check that its size fits its header; errors as for `read_tensors`.

    Its tensors are not read, so that wrong numbers among them are not found.
    """
    with opening_safetensors(path, framework="np") as file:
        return file.metadata() or {}, None


def read_safetensors(path: Path, *, framework: Literal["pt", "np"]) -> tuple[dict[str, str], dict[str, Any]]:
    """Read metadata and tensors of a safetensors file, as PyTorch's or as NumPy's."""
    with opening_safetensors(path, framework=framework) as file:
        return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)


@contextmanager
def opening_safetensors(path: Path, *, framework: Literal["pt", "np"]) -> Iterator[Any]:
    """Open a safetensors file; errors as for `read_tensors`."""
    with open_file(path, limit_bytes=WEIGHTS_BYTES):  # safe_open needs the path
        try:
            with safe_open(path, framework=framework) as file:
                yield file
        except (SafetensorError, OSError) as error:
            raise DamagedFileError(shorten(str(error))) from None


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; errors as for `open_file`."""
    with open_file(path, limit_bytes=WEIGHTS_BYTES) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def version_of(path: Path) -> Version | None:
    """Return what changes when a file is replaced or written: number, size and time in ns; None if there is none."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
