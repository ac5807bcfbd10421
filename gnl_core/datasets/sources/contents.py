"""What a source of images contains, and what the readers of all kinds of sources share: listing, labels, matching."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.accounting import LARGEST_WALK, SkippedFile, walk
from gnl_core.datasets.base import Item
from gnl_core.datasets.folder import RESERVED
from gnl_core.datasets.layout import own_stem
from gnl_core.datasets.listing import SUFFIXES, check_inside, check_name
from gnl_core.datasets.names import FOLDER_NAMES, IN_DISTRIBUTION_NAMES, NORMAL, plain_name
from gnl_core.messages import quote

IN_DISTRIBUTION = "in_distribution"  # the domain to train on, where a source names none
NO_NORMAL_TEST = (
    "the source has no normal test images, so a share of its normal training images is kept for testing "
    "(--test-percent)"
)
SEVERAL = "combined"  # the kind of an image with several kinds of defects, as in MVTec AD
UNNAMED = "defect"  # a kind without a name
NOT_IN_NAMES = re.compile(r'[/\\\\+:*?"<>|]')
LONGEST_NAME = 60  # characters, of up to four bytes each; file systems allow 255 bytes
SEPARATOR = re.compile(r"[/\\]")


class Contents(NamedTuple):
    """The images of a source.

    Attributes:
        images: Images to divide, or those to score of a source that is divided. Paths are relative to the source.
        training: Its training images, if it is divided.
        in_distribution: The domain to train on.
        skipped: Files that are left out, with the reason.
        notes: What else a user should know, in sentences.
        division_notes: Likewise, if the division of the source is kept.
    """

    images: list[Item]
    training: list[Item]
    in_distribution: str
    skipped: list[SkippedFile]
    notes: list[str]
    division_notes: Sequence[str] = ()


class Files(NamedTuple):
    """The files below a source.

    Attributes:
        images: Image files.
        labels: JSON files.
        skipped: All others.
    """

    images: list[Path]
    labels: list[Path]
    skipped: list[SkippedFile]


def list_files(source: Path) -> Files:
    """List all files below a source by their suffix; links to folders are not followed.

    Raises:
        ValueError: If there are too many, a link leads out of the source, or a name is not valid text.
    """
    files = Files([], [], [])
    for number, path in enumerate(walk(source, ())):
        if number >= LARGEST_WALK:
            raise ValueError(f"{source} has more than {LARGEST_WALK:,} files; expected a folder of images alone")
        suffix = path.suffix.lower()
        if reason := reason_to_skip(path, source):
            files.skipped.append(SkippedFile(path, reason))
            continue
        check_name(path)
        check_inside(source, path)
        (files.labels if suffix == ".json" else files.images).append(path)
    return files


def reason_to_skip(path: Path, source: Path) -> str:
    """Name the reason why a file is neither an image nor a label file; an empty text if it is one."""
    if any(part.startswith(".") for part in path.relative_to(source).parts):
        return "hidden"
    if not path.exists():
        return "broken link"
    if path.is_dir():
        return "link to a folder" if path.is_symlink() else "folder that cannot be opened"
    if path.suffix.lower() not in (*SUFFIXES, ".json"):
        return "not an image file by its suffix"
    return "" if path.is_file() else "not a regular file"


def leave_out_masks(images: Sequence[Path]) -> tuple[list[Path], list[SkippedFile]]:
    """Separate images from files that are named as a mask of an image beside them."""
    stems = {image.with_suffix("") for image in images}
    masks = {image for image in images if own_stem(image) != image.stem and image.with_name(own_stem(image)) in stems}
    skipped = [SkippedFile(mask, "named as a mask of an image beside it") for mask in sorted(masks)]
    return [image for image in images if image not in masks], skipped


def is_normal(label: str, normal_labels: Collection[str]) -> bool:
    """Return whether a label means normal: by an accepted name, or by one that the user gives."""
    return plain_name(label.strip()) in {*FOLDER_NAMES["normal"], *map(plain_name, normal_labels)}


def kind_of(labels: Iterable[str], normal_labels: Collection[str]) -> str:
    """Name what an image shows by the labels of its areas: NORMAL, a defect, or SEVERAL."""
    defects = {folder_name(label) for label in labels if not is_normal(label, normal_labels)}
    if len(defects) > 1:
        return SEVERAL
    return defects.pop() if defects else NORMAL


def folder_name(text: str) -> str:
    """Turn a label or the name of a domain, which can be any text, into the name of a folder that has no other meaning.

    Characters that lead to another folder, are not printable, or are not allowed on some system become underscores.
    """
    visible = "".join(character if character.isprintable() else "_" for character in text)
    name = NOT_IN_NAMES.sub("_", visible)[:LONGEST_NAME].strip(". ") or UNNAMED
    meanings = {*FOLDER_NAMES["normal"], *FOLDER_NAMES["masks"], *IN_DISTRIBUTION_NAMES, *RESERVED}
    return f"{name}_{UNNAMED}" if plain_name(name) in meanings else name


def index_images(images: Iterable[Path], *, key: Callable[[Path], str]) -> dict[str, list[Path]]:
    """Group images by a part of their path, such as the name."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    return dict(groups)


def find_named(named: str, by_name: Mapping[str, Sequence[Path]], *, beside: Path) -> Path | None:
    """Find the image that a label file names, among the images of the source and nowhere else.

    Args:
        named: Its path in the label file, of any system.
        by_name: The images of the source by name.
        beside: The folder of the label file, from which the path may lead.

    Returns:
        The image at that path; else the one whose path has the longest end in common; else None.

    Raises:
        ValueError: If several images could be meant.
    """
    parts = tuple(part for part in SEPARATOR.split(named) if part not in ("", ".", ".."))
    candidates = by_name.get(parts[-1], ()) if parts else ()
    exact = [image for image in candidates if str(image) == os.path.normpath(beside / "/".join(SEPARATOR.split(named)))]
    endings = ([image for image in candidates if image.parts[-n:] == parts[-n:]] for n in range(len(parts), 0, -1))
    images = exact or next(filter(None, endings), [])
    if len(images) > 1:
        raise ValueError(
            f"{quote(named)} in {beside} could be {images[0]} or {images[1]}; give images different names, or "
            "import one folder at a time"
        )
    return images[0] if images else None
