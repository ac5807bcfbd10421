"""Divide normal images without a training folder into training and test images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from gnl_core.config.data import Split
from gnl_core.datasets.base import Item

HASH_BYTES = 8


def divide(items: Sequence[Item], split: Split) -> tuple[list[Item], list[Item]]:
    """Divide normal images into those for training and those for testing.

    The part of an image depends only on its file name, the seed and the percentage. Adding or removing images
    later therefore moves no other image, and no training image becomes a test image.

    Returns:
        Training images and test images, both in the order of the items.

    Raises:
        ValueError: If one of the two is empty.
    """
    test = [item for item in items if is_test(PurePosixPath(item.path).name, split)]
    training = [item for item in items if not is_test(PurePosixPath(item.path).name, split)]
    for part, images in (("training", training), ("testing", test)):
        if not images:
            raise ValueError(
                f"none of the {len(items)} normal images is left for {part} with --split-seed {split.seed} and "
                f"--test-percent {split.test_percent:g}; choose another seed, or sort the images into train/good and "
                "test/good yourself"
            )
    return training, test


def is_test(name: str, split: Split) -> bool:
    """Return whether an image is for testing, by its file name; true for about the split's percentage of names."""
    digest = hashlib.sha256(f"{split.seed}/{name}".encode()).digest()
    share = int.from_bytes(digest[:HASH_BYTES]) / 2 ** (8 * HASH_BYTES)
    return share < split.test_percent / 100
