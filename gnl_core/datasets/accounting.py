"""List the files of a data set's folder that are read, and those that are skipped, with the reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.listing import SUFFIXES
from gnl_core.datasets.names import is_named

LARGEST_WALK = 200_000  # files examined per folder; if there are more, the count is a lower bound


class SkippedFile(NamedTuple):
    """A file among a data set's images that is not read.

    Attributes:
        file: Path of the file.
        reason: Why it is not read, a key of REASONS.
    """

    file: Path
    reason: str


class ImageFolders(NamedTuple):
    """The folders of a data set's image files.

    Attributes:
        home: The lowest folder above all of them.
        read: Subfolders of `home` with images, or `home` itself; every file in these should be read.
        holding: All folders between `home` and an image.
        direct: The folders that directly contain images.
    """

    home: Path
    read: frozenset[Path]
    holding: frozenset[Path]
    direct: frozenset[Path]


def image_files(items: Iterable[Item]) -> set[Path]:
    """Collect the image files of items and masks, without files that contain many images."""
    files = (file for item in items for file in (item.file, *item.mask_files))
    return {file for file in files if file is not None and file.suffix.lower() in SUFFIXES}


def find_image_folders(files: Collection[Path]) -> ImageFolders:
    """Find the folders of image files."""
    direct = frozenset(file.parent for file in files)
    home = Path(os.path.commonpath(direct))
    tops = frozenset(home.joinpath(*folder.relative_to(home).parts[:1]) for folder in direct)
    holding = frozenset(above for folder in direct for above in (folder, *folder.parents) if above.is_relative_to(home))
    return ImageFolders(home, tops, holding, direct)


def list_sources(items: Iterable[Item], root: Path) -> list[str]:
    """List the sources of images, relative to the data root: folders, and files that contain many images."""
    files = list(dict.fromkeys(item.file for item in items if item.file is not None))
    pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
    tops = find_image_folders(pictures).read if pictures else frozenset()
    places = [next((top for top in tops if file.is_relative_to(top)), file) for file in files]
    return [shown_path(place, root) for place in dict.fromkeys(places)]


def find_skipped_files(items: Collection[Item], *, lists: Collection[Path] = ()) -> list[SkippedFile]:
    """Find files among the images of a data set that are not read, for any loader.

    In a folder from which images are read, these are all files that are not an item's image or mask. Next to these
    folders, in the lowest folder above them all, they are all image files.

    Args:
        items: All images of the data set.
        lists: Other files that are read.

    Returns:
        The files, by name. Generated data sets and those in array files have none.
    """
    files = image_files(items)
    if not files:
        return []
    folders, known = find_image_folders(files), files | set(lists)
    paths = islice(walk(folders.home, folders.holding), LARGEST_WALK)
    others = (path for path in paths if path not in known)
    return [SkippedFile(path, reason(path, folders)) for path in others if counts(path, folders)]


def walk(folder: Path, holding: Collection[Path]) -> Iterator[Path]:
    """Yield every file below a folder, at any depth; links to folders are followed if images are read through them.

    A folder that cannot be listed is yielded itself.
    """
    waiting = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
            continue
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name, reverse=True)
        except OSError:
            yield path
            continue
        waiting += [(path / entry.name, is_walked(entry, path / entry.name, holding)) for entry in entries]


def is_walked(entry: os.DirEntry[str], path: Path, holding: Collection[Path]) -> bool:
    """Return whether an entry is a folder, or a link to one through which images are read."""
    return entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and path in holding)


def counts(path: Path, folders: ImageFolders) -> bool:
    """Return whether a file that is not read belongs to the data set by its folder, or as a visible image file."""
    if any(path.is_relative_to(folder) for folder in folders.read):
        return True
    return path.suffix.lower() in SUFFIXES and not is_hidden(path, folders)


def is_hidden(path: Path, folders: ImageFolders) -> bool:
    """Return whether a file or any folder above it is hidden."""
    return any(part.startswith(".") for part in path.relative_to(folders.home).parts)


REASONS: dict[str, Callable[[Path, ImageFolders], bool]] = {  # the first that applies
    "hidden": is_hidden,
    "broken link": lambda path, _: path.is_symlink() and not path.exists(),
    "link to a folder": lambda path, _: path.is_symlink() and path.is_dir(),
    "folder that cannot be opened": lambda path, _: path.is_dir(),
    "not an image file by its suffix": lambda path, _: path.suffix.lower() not in SUFFIXES,
    "mask without an image": lambda path, folders: any(
        is_named(folder, "masks") for folder in path.relative_to(folders.home).parents
    ),
    "not on any list of the split": lambda path, folders: path.parent in folders.direct,
    "in a nested folder": lambda path, folders: not folders.direct.isdisjoint(path.parents),
    "in a folder that is not read": lambda path, folders: True,
}


def reason(path: Path, folders: ImageFolders) -> str:
    """Name the reason why a file is not read."""
    return next(text for text, applies in REASONS.items() if applies(path, folders))


def describe_skipped_files(files: Collection[SkippedFile], root: Path) -> list[str]:
    """Describe each reason in a line, with the number of files and the first of them."""
    count = Counter(skipped.reason for skipped in files)
    first = {skipped.reason: skipped.file for skipped in reversed(list(files))}
    return [f"{number} x {text}, first: {shown_path(first[text], root)}" for text, number in count.items()]


def shown_path(path: Path, root: Path) -> str:
    """Format a path relative to the data root on one line, escaping unprintable characters."""
    relative = path.relative_to(root) if path.is_relative_to(root) else path
    text = relative.as_posix().encode(errors="backslashreplace").decode()
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def read_lists(spec: DatasetSpec, root: Path | None) -> tuple[Path, ...]:
    """Find the existing lists of a data set; none if they cannot be located."""
    try:
        return () if root is None else spec.lists(root)
    except ValueError:
        return ()
