"""Describe how the folders in the user's folder are used, so that users need not infer it from counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gnl_core.config import USUAL_SPLIT, Split
from gnl_core.datasets.base import Item
from gnl_core.datasets.folder import find_layout, open_folder
from gnl_core.datasets.layout import require_root

TRAINING = "training"
MEANINGS = {0: "normal", 1: "anomalous", -1: "unlabelled"}  # of a test image's label


class Reading(NamedTuple):
    """A folder of images and its use; a folder that is divided has two readings.

    Attributes:
        folder: Its path below the user's folder.
        taken_as: "training", "normal", "anomalous" or "unlabelled".
        domain: The domain of its images.
        images: Number of images used this way.
        masks: Number of these with a mask.
    """

    folder: str
    taken_as: str
    domain: str
    images: int
    masks: int


def describe_reading(root: Path | None, split: Split = USUAL_SPLIT) -> list[Reading]:
    """Describe the use of each folder of images, training images first, without reading images.

    Args:
        root: The user's folder.
        split: How its normal images are divided, if it has no training folder.

    Raises:
        ValueError: If the folder cannot be used.
    """
    spec = open_folder(root, split)
    normal_class = spec.classes[0]
    tested = [item for domain in spec.domains for item in spec.test_items(root, normal_class, domain)]
    used = [(TRAINING, item) for item in spec.train_items(root, normal_class)]
    return count_folders([*used, *((MEANINGS[item.label], item) for item in tested)])


def count_folders(used: Iterable[tuple[str, Item]]) -> list[Reading]:
    """Count items by folder and use, in the order in which the folders appear."""
    images: Counter[tuple[str, str, str]] = Counter()
    masks: Counter[tuple[str, str, str]] = Counter()
    for taken_as, item in used:
        key = (str(PurePosixPath(item.path).parent), taken_as, item.domain)
        images[key] += 1
        masks[key] += item.mask is not None
    return [Reading(*key, images=count, masks=masks[key]) for key, count in images.items()]


def format_reading(root: Path | None, split: Split = USUAL_SPLIT) -> list[str]:
    """Format the use of each folder in a line such as "train/OK: 8 training; test/hole: 4 anomalous (3 with a mask)".

    A second line says how its normal images are divided, if they are. Arguments and errors: `describe_reading`.
    """
    folder = require_root(root)
    read = "; ".join(format_folder_reading(reading) for reading in describe_reading(root, split))
    divided = (
        f"without a training folder, about {split.test_percent:g} % of the normal images are kept for testing, chosen "
        f"by file name and split seed {split.seed}"
    )
    return [f"read {folder}: {read}", *([divided] if find_layout(folder).divided else [])]


def format_folder_reading(reading: Reading) -> str:
    """Format one reading in words."""
    masks = f" ({reading.masks:,} with a mask)" if reading.masks else ""
    return f"{reading.folder}: {reading.images:,} {reading.taken_as}{masks}"
