"""Describe how the user's own images are used, so that users need not infer it from counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets import CSV, FOLDER
from gnl_core.datasets.base import Item
from gnl_core.datasets.csv_file import find_table, read_images
from gnl_core.datasets.folder import find_layout, open_folder
from gnl_core.datasets.layout import require_root

TRAINING = "training"
MEANINGS = {0: "normal", 1: "anomalous", -1: "unlabelled"}  # of a test image's label


class Reading(NamedTuple):
    """A group of images and its use; a folder that is divided has two readings.

    Attributes:
        folder: The folder's path below the user's folder; for a table, the domain.
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
    return count_groups((str(PurePosixPath(item.path).parent), taken_as, item) for taken_as, item in used)


def count_groups(used: Iterable[tuple[str, str, Item]]) -> list[Reading]:
    """Count items by the name of their group and their use, in the order in which the groups appear."""
    images: Counter[tuple[str, str, str]] = Counter()
    masks: Counter[tuple[str, str, str]] = Counter()
    for group, taken_as, item in used:
        key = (group, taken_as, item.domain)
        images[key] += 1
        masks[key] += item.mask is not None
    return [Reading(*key, images=count, masks=masks[key]) for key, count in images.items()]


def format_reading(root: Path | None, split: Split = USUAL_SPLIT, *, dataset: str = FOLDER) -> list[str]:
    """Format the use of each folder in a line such as "train/OK: 8 training; test/hole: 4 anomalous (3 with a mask)".

    A second line says how its normal images are divided, if they are.

    Args:
        root: As for `describe_reading`.
        split: Likewise.
        dataset: FOLDER, or CSV for images named in a table, of which each domain is described.

    Raises:
        ValueError: If the folder or table cannot be used.
    """
    folder = require_root(root)
    if dataset == CSV:
        return [format_table(folder)]
    read = "; ".join(format_folder_reading(reading) for reading in describe_reading(root, split))
    divided = (
        f"without a training folder, about {split.test_percent:g} % of the normal images are kept for testing, chosen "
        f"by file name and split seed {split.seed}"
    )
    return [f"read {folder}: {read}", *([divided] if find_layout(folder).divided else [])]


def format_table(folder: Path) -> str:
    """Format the use of the images that a table names, by domain."""
    path = find_table(folder)
    images = read_images(path)
    used = [(TRAINING, item) for item in images.training]
    used += [(MEANINGS[item.label], item) for items in images.domains.values() for item in items]
    domains = count_groups((item.domain, taken_as, item) for taken_as, item in used)
    return f"read {path}: {'; '.join(map(format_folder_reading, domains))}"


def format_folder_reading(reading: Reading) -> str:
    """Format one reading in words."""
    masks = f" ({reading.masks:,} with a mask)" if reading.masks else ""
    return f"{reading.folder}: {reading.images:,} {reading.taken_as}{masks}"
