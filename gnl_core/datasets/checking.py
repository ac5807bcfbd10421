"""All that is wrong with the images of a data set, told at once; and what is left when those are left out."""

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

ARRAY_MODE = "array"  # of an image that is made, or lies in a file of many


class Inspection(NamedTuple):
    """What reading one item came to.

    Attributes:
        problems: One sentence each; the rest is unset where the image cannot be used.
        size: Height and width in pixels.
        mode: The colours that its file holds, by Pillow's names, or ARRAY_MODE.
        digest: Equal for images of equal pixels.
        thumbnail: The image in small, if it was asked for.
    """

    problems: list[str]
    size: tuple[int, int] | None = None
    mode: str = ""
    digest: bytes = b""
    thumbnail: NDArray[np.float32] | None = None


def check_items(items: Iterable[Item]) -> list[str]:
    """Read every image and every mask.

    Returns:
        One sentence a problem, in the order of the items and each once; empty when all is well. Never raises.
    """
    return list(dict.fromkeys(problem for item in items for problem in check_item(item)))


def leave_out_broken(items: Sequence[Item], *, workers: int = 0) -> tuple[list[Item], list[str]]:
    """Read every image, and leave out those that cannot be read.

    Args:
        items: Some images.
        workers: Threads that read ahead.

    Returns:
        The items that can be read, and a sentence on each of the others, both in the order of the items.

    Raises:
        ValueError: If none of them can be read.
    """
    problems = list(prefetch(read_problem, items, workers=workers))
    told = [problem for problem in problems if problem]
    if items and len(told) == len(items):
        raise ValueError(f"none of {len(items)} images can be read; the first: {told[0]}")
    return [item for item, problem in zip(items, problems, strict=True) if not problem], told


def read_problem(item: Item) -> str:
    """Why an image cannot be read; an empty text if it can."""
    try:
        item.read()
    except UnreadableImageError as error:
        return str(error)
    return ""


def check_item(item: Item) -> list[str]:
    """What is wrong with one item; the mask of an unreadable image is not looked at."""
    return inspect_item(item).problems


def inspect_item(item: Item, *, thumbnails: bool = False) -> Inspection:
    """Read an item's image and mask, and note what they are. Never raises.

    Args:
        item: The item.
        thumbnails: Whether to keep a thumbnail, to look for near copies.
    """
    try:
        image = item.read()
        mode = ARRAY_MODE if item.file is None or item.file.suffix.lower() not in SUFFIXES else colour_mode(item.file)
    except Exception as error:  # to be told with all the others
        return Inspection([tell(item, error)])
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
    """What is wrong with an item's mask."""
    if item.mask is None:
        return []
    try:
        mask = item.mask()
    except Exception as error:  # as above
        return [tell(item, error)]
    if mask.shape != image.shape[:2]:
        return [f"{item.path}: its mask has shape {mask.shape}, expected the image's, {image.shape[:2]}"]
    if item.label == 1 and not mask.any():
        return [f"{item.path}: its mask is empty, expected the anomaly to be marked; redraw the mask, or remove it"]
    return []


def tell(item: Item, error: Exception) -> str:
    """An error as a sentence: ours name the file themselves."""
    return str(error) if isinstance(error, ValueError) else f"{item.path}: {type(error).__name__}: {error}"
