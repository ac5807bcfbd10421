"""All that is wrong with the images of a data set, told at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gnl_core.datasets.base import Image, Item


def check_items(items: Iterable[Item]) -> list[str]:
    """Read every image and every mask.

    Returns:
        One sentence a problem, in the order of the items and each once; empty when all is well. Never raises.
    """
    return list(dict.fromkeys(problem for item in items for problem in check_item(item)))


def check_item(item: Item) -> list[str]:
    """What is wrong with one item; the mask of an unreadable image is not looked at."""
    try:
        image = item.read()
    except Exception as error:  # to be told with all the others
        return [tell(item, error)]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return [f"{item.path}: its image has shape {image.shape} and type {image.dtype}, expected (H, W, 3) and uint8"]
    return check_mask(item, image)


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
