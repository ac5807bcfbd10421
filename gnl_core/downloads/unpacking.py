"""Unpack known files of a downloaded archive, wherever its other members would lead."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

from gnl_core.datasets.listing import check_inside
from gnl_core.files import UnreadableFileError, open_file
from gnl_core.files.writing import write_atomically

MOST_MEMBERS = 10_000
LARGEST_ARCHIVE = 2**30
LARGEST_BYTES = 2**26  # of a member; CIFAR-10's files have half of it

Place = Callable[[str], str | None]  # name in an archive to the path below a folder; None for a file to ignore


def unpack(archive: Path, folder: Path, *, names: Collection[str]) -> None:
    """Write the files of a .tar.gz archive that have one of the given names; all other members are ignored.

    Args:
        archive: The archive.
        folder: The folder below which they are written.
        names: Paths in the archive and below the folder, such as "batches/data.bin".

    Raises:
        ValueError: If the archive is damaged or lacks one of the files, or a symlink leads out of the folder.
    """
    written = unpack_placed(archive, folder, place=lambda name: name if name in names else None)
    missing = sorted({*names} - written)
    if missing:
        raise ValueError(f"{archive} has no file {missing[0]}; delete it and download it again")


def unpack_placed(archive: Path, folder: Path, *, place: Place) -> set[str]:
    """Write the files of a .tar.gz archive that have a place; all other members are ignored.

    Args:
        archive: The archive.
        folder: The folder below which they are written.
        place: Gives the path of a file below the folder.

    Returns:
        The paths of the written files below the folder.

    Raises:
        ValueError: If the archive is damaged, or a path or a symlink leads out of the folder.
    """
    written = set()
    try:
        with (
            open_file(archive, limit_bytes=LARGEST_ARCHIVE) as file,
            gzip.GzipFile(fileobj=file) as content,
            tarfile.TarFile(fileobj=content) as members,
        ):
            for path, pixels in read_files(members, place):
                target = folder / path
                check_inside(folder, target.parent)
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(target, pixels)
                written.add(path)
    except (tarfile.TarError, EOFError, zlib.error, OSError, UnreadableFileError) as error:
        raise ValueError(f"{archive} cannot be unpacked: {error}; delete it and download it again") from None
    return written


def read_files(members: tarfile.TarFile, place: Place) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the regular files that have a place, among the first members of an archive."""
    for member in islice(members, MOST_MEMBERS):
        if member.size > LARGEST_BYTES:
            raise tarfile.ReadError(f"{member.name} has {member.size:,} bytes")
        path = place(member.name)
        file = members.extractfile(member) if member.isreg() and path is not None else None
        if file is not None and path is not None:
            yield path, file.read(LARGEST_BYTES)
