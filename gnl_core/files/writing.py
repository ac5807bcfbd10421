"""Write files atomically: each completely or not at all, also in a power cut."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_CHARACTERS = 32  # of a file's name that its temporary name begins with; names have at most 255 bytes


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file, then rename it, so that readers see either the old or the new file, complete.

    The content is on disk before the name, and the name before this returns: a power cut leaves one of the two files.

    Raises:
        OSError: With the path, if the file cannot be written; an older file is unchanged.
    """
    with naming_file(path), temporary_file(path, content) as temporary:
        temporary.replace(path)
        sync_folder(path.parent)


def create_atomically(path: Path, content: bytes) -> None:
    """Write a file as `write_atomically` does, unless there is one: of several processes, one creates it.

    Raises:
        FileExistsError: If there is a file.
        OSError: As for `write_atomically`.
    """
    with naming_file(path), temporary_file(path, content) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name the file in an OSError about its temporary file, or about no file."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def temporary_file(path: Path, content: bytes) -> Iterator[Path]:
    """Yield a file with the content, on disk, in the folder of `path`; remove it afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:TEMPORARY_CHARACTERS]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # temporary files are private, runs are not
        yield temporary
    finally:
        with suppress(OSError):  # it was renamed, or the folder is gone
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk, where the file system can; Windows cannot."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
