"""Group images that must not stand on both sides of a split: by name, folder, list or likeness, and equal files."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import Item
from gnl_core.datasets.duplicates import Key, bytes_key, find_all_near, sample_key, size_key
from gnl_core.datasets.names import FOLDER_NAMES, plain_name
from gnl_core.files import UnreadableFileError, read_text
from gnl_core.messages import quote

PATH_COLUMNS = ("path", "file", "file_name", "filename", "image", "name")
PLACES = frozenset(name for names in FOLDER_NAMES.values() for name in names)


def group_alone(items: Sequence[Item]) -> list[str]:
    """Make each image a group of its own, named by its path."""
    return [item.path for item in items]


def group_by_name(items: Sequence[Item], pattern: str) -> list[str]:
    """Group images by what a regular expression finds in their file names.

    Args:
        items: The images.
        pattern: The expression; its groups, or else what it matches, name the group of images. An image whose name
            has no match is a group of its own.

    Raises:
        ValueError: If it is not a regular expression, or matches no name.
    """
    matches = [search(pattern, PurePosixPath(item.path).name) for item in items]
    if not any(matches):
        raise ValueError(f"{quote(pattern)} matches none of {len(items):,} names, such as {quote(items[0].path)}")
    return [item.path if match is None else match for item, match in zip(items, matches, strict=True)]


def search(pattern: str, text: str) -> str | None:
    """Return what a regular expression finds in a text: its groups, or else the match; None without a match.

    Raises:
        ValueError: If it is not a regular expression.
    """
    try:
        match = re.search(pattern, text)
    except re.error as error:
        raise ValueError(f"{quote(pattern)} is not a regular expression: {error}") from None
    if match is None:
        return None
    return "/".join(filter(None, match.groups())) or match[0]


def group_by_folder(items: Sequence[Item]) -> list[str]:
    """Group images by their folders below the source, without those that name a label or a side of the split.

    Raises:
        ValueError: If an image is in no such folder.
    """
    return [folder_group(item) for item in items]


def folder_group(item: Item) -> str:
    """Name the group of an image by its folders."""
    folders = PurePosixPath(item.path).parts[:-1]
    group = "/".join(name for name in folders if plain_name(name) not in PLACES and name != item.category)
    if not group:
        raise ValueError(f"{item.path} is in no folder of a group; expected a folder per group, as in {quote(EXAMPLE)}")
    return group


EXAMPLE = "good/part_07/1.png"


def group_by_list(items: Sequence[Item], path: Path, column: str) -> list[str]:
    """Group images by a column of a CSV file; another column, one of PATH_COLUMNS, has their paths or names.

    Raises:
        ValueError: If the file cannot be read, lacks a column, or has no row or two different ones for an image.
    """
    groups = read_list(path, column)
    return [find_row(item, groups, path) for item in items]


def read_list(path: Path, column: str) -> dict[str, str]:
    """Read the group of each path or name in a CSV file."""
    rows = csv.DictReader(StringIO(read_text(path)))
    try:
        columns = list(rows.fieldnames or ())
        named = next((name for name in columns if plain_name(name) in PATH_COLUMNS), None)
        if named is None or column not in columns:
            raise UnreadableFileError(
                f"{path} has the columns {quote(columns)}; expected {quote(column)} and one for the images, called "
                f"{', '.join(PATH_COLUMNS)}"
            )
        groups: dict[str, str] = {}
        for row in rows:
            image, group = str(row[named] or ""), str(row[column] or "")
            if groups.setdefault(image, group) != group:
                raise UnreadableFileError(f"{path} puts {quote(image)} into two groups; remove one of its rows")
    except csv.Error as error:
        raise UnreadableFileError(f"{path} is not a CSV file: {error}") from None
    return groups


def find_row(item: Item, groups: dict[str, str], path: Path) -> str:
    """Find the group of an image by its path, or else by its name."""
    group = groups.get(item.path) or groups.get(PurePosixPath(item.path).name)
    if not group:
        raise ValueError(f"{path} has no group for {quote(item.path)}; add a row with its path or its name")
    return group


def merge_equal_files(items: Sequence[Item], groups: Sequence[str]) -> list[str]:
    """Merge the groups of images whose files are equal, byte for byte."""
    numbers = number_groups(groups)
    for equal in find_equal_files(items):
        merge(numbers, np.array(equal))
    return [groups[number] for number in numbers]


def merge_near_copies(thumbnails: NDArray[np.float32], groups: Sequence[str]) -> list[str]:
    """Merge the groups of images that are near copies of each other.

    Args:
        thumbnails: The images' thumbnails (`duplicates.thumbnail`), shape (n, THUMBNAIL_PX²).
        groups: The images' groups, n names.
    """
    numbers = number_groups(groups)
    for near in find_all_near(thumbnails):
        merge(numbers, near)
    return [groups[number] for number in numbers]


def number_groups(groups: Sequence[str]) -> NDArray[np.int64]:
    """Number each image by the position of the first image of its group, shape (n,)."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(group, position) for position, group in enumerate(groups)], np.int64)


def merge(numbers: NDArray[np.int64], positions: NDArray[np.int64]) -> None:
    """Merge in place the groups of the images at some positions into the one with the lowest number."""
    merged = np.unique(numbers[positions])
    if len(merged) > 1:
        numbers[np.isin(numbers, merged)] = merged[0]


def find_equal_files(items: Sequence[Item]) -> list[list[int]]:
    """Find the positions of images whose files are equal, reading only files of equal size."""
    equal = [list(range(len(items)))]
    for key in (size_key, sample_key, bytes_key):
        equal = [part for positions in equal for part in divide_by(items, positions, key) if len(part) > 1]
    return equal


def divide_by(items: Sequence[Item], positions: Iterable[int], key: Key) -> list[list[int]]:
    """Divide positions by a key of their images."""
    parts = defaultdict(list)
    for position in positions:
        parts[key(items[position])].append(position)
    return list(parts.values())
