"""Check the images of a data set and report all problems together; drop images that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.duplicates import pixel_digest, thumbnail
from gnl_core.datasets.images import UnreadableImageError, colour_mode
from gnl_core.datasets.listing import SUFFIXES
from gnl_core.datasets.prefetching import prefetch

ARRAY_MODE = "array"  # of a generated image, or an image in an array file


class Inspection(NamedTuple):
    """The result of reading one item.

    Attributes:
        problems: One sentence per problem; the other fields are unset if the image cannot be used.
        size: Height and width in pixels.
        mode: Colour mode of its file, by Pillow's names, or ARRAY_MODE.
        digest: Digest that is equal for images with equal pixels.
        thumbnail: A thumbnail, if requested.
    """

    problems: list[str]
    size: tuple[int, int] | None = None
    mode: str = ""
    digest: bytes = b""
    thumbnail: NDArray[np.float32] | None = None


def check_items(items: Iterable[Item]) -> list[str]:
    """Read every image and every mask.

    Returns:
        One sentence per problem, in the order of the items, each once; empty without problems. Never raises.
    """
    return list(dict.fromkeys(problem for item in items for problem in check_item(item)))


def leave_out_broken(items: Sequence[Item], *, workers: int = 0) -> tuple[list[Item], list[str]]:
    """Read every image, and drop those that cannot be read.

    Args:
        items: The images to read.
        workers: Threads that read ahead.

    Returns:
        The items that can be read, and a sentence on each of the others, both in the order of the items.

    Raises:
        ValueError: If none of them can be read.
    """
    problems = list(prefetch(read_problem, items, workers=workers))
    failures = [problem for problem in problems if problem]
    if items and len(failures) == len(items):
        raise ValueError(f"none of {len(items)} images can be read; the first: {failures[0]}")
    return [item for item, problem in zip(items, problems, strict=True) if not problem], failures


def read_problem(item: Item) -> str:
    """Explain why an image cannot be read; an empty string if it can."""
    try:
        item.read()
    except UnreadableImageError as error:
        return str(error)
    return ""


def check_item(item: Item) -> list[str]:
    """List the problems of one item; the mask of an unreadable image is not checked."""
    return inspect_item(item).problems


def inspect_item(item: Item, *, thumbnails: bool = False) -> Inspection:
    """Read and describe an item's image and mask. Never raises.

    Args:
        item: The item.
        thumbnails: Whether to make a thumbnail, for the search for near copies.
    """
    try:
        image = item.read()
        mode = ARRAY_MODE if item.file is None or item.file.suffix.lower() not in SUFFIXES else colour_mode(item.file)
    except Exception as error:  # reported with all other problems
        return Inspection([describe_failure(item, error)])
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        expected = "expected (H, W, 3) and uint8"
        return Inspection([f"{item.path}: its image has shape {image.shape} and type {image.dtype}, {expected}"])
    return Inspection(
        problems=check_mask(item, image),
        size=(image.shape[0], image.shape[1]),
        mode=mode,
        digest=pixel_digest(image),
        thumbnail=thumbnail(image) if thumbnails else None,
    )


def check_mask(item: Item, image: Image) -> list[str]:
    """List the problems of an item's mask."""
    if item.mask is None:
        return []
    try:
        mask = item.mask()
    except Exception as error:  # as above
        return [describe_failure(item, error)]
    if mask.shape != image.shape[:2]:
        return [f"{item.path}: its mask has shape {mask.shape}, expected the image's, {image.shape[:2]}"]
    if item.label == 1 and not mask.any():
        return [f"{item.path}: its mask is empty, expected the anomaly to be marked; redraw the mask, or remove it"]
    return []


def describe_failure(item: Item, error: Exception) -> str:
    """Turn an error into a sentence that names the file, as the messages of our own errors do."""
    return str(error) if isinstance(error, ValueError) else f"{item.path}: {type(error).__name__}: {error}"
