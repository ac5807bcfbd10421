"""What a data set is: a list of items for training, and one for each domain to score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1  # the label of an image that nobody has labelled
Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# The names of AugMix's operations (`views.OPERATIONS`) that the paper's published code draws from
INDUSTRIAL_OPERATIONS = ("autocontrast", "equalize", "posterize", "solarize", "color", "sharpness")  # on MVTec AD
ALL_OPERATIONS = (*INDUSTRIAL_OPERATIONS, "contrast", "brightness")  # on PACS


class Item(NamedTuple):
    """One image, not yet read.

    Attributes:
        path: A name that identifies the image within its data set.
        read: Decodes it: RGB, shape (H, W, 3), at native size.
        label: 0 for normal, 1 for anomalous, -1 where nobody has labelled it.
        domain: The domain it belongs to.
        category: What it shows.
        mask: Decodes its anomalous pixels: shape (H, W) at native size; None where none are drawn.
        file: The file that holds it, which may hold others too; None for an image that is made.
        mask_file: The same for its mask.
    """

    path: str
    read: Callable[[], Image]
    label: int
    domain: str
    category: str
    mask: Callable[[], Mask] | None = None
    file: Path | None = None
    mask_file: Path | None = None


def no_lists(root: Path) -> tuple[Path, ...]:
    """A data set whose folders say it all."""
    return ()


class DatasetSpec(NamedTuple):
    """A data set: what is in it, and how its images are listed. Listing reads no pixels.

    Attributes:
        summary: What it shows and where it comes from, in one sentence.
        classes: The classes of which one is normal.
        domains: The in-distribution domain first, then the shifted ones.
        train_items: Root folder and normal class to the normal training images.
        test_items: Root folder, normal class and domain to the images to score.
        augmix_operations: What AugMix draws from in training: INDUSTRIAL_OPERATIONS or ALL_OPERATIONS.
        anomalies: What its anomalies are: "objects" of other classes, or "defects" of the normal one.
        how_to_get: Where to fetch it and the layout that is expected; empty for bundled data sets.
        folders: Folders below the root in which any image file is taken for one of its images, wherever they may lie.
        lists: Root folder to the files, beside the images, that decide which images belong where.
        split: Root folder to a few words on how training and test images are told apart, where that depends on what
            is there; None where it never does.
    """

    summary: str
    classes: tuple[str, ...]
    domains: tuple[str, ...]
    train_items: Callable[[Path | None, str], list[Item]]
    test_items: Callable[[Path | None, str, str], list[Item]]
    augmix_operations: tuple[str, ...]
    anomalies: Literal["objects", "defects"] = "objects"
    how_to_get: str = ""
    folders: tuple[str, ...] = ()
    lists: Callable[[Path], tuple[Path, ...]] = no_lists
    split: Callable[[Path | None], str] | None = None

    @property
    def in_distribution(self) -> str:
        """The domain of the training images."""
        return self.domains[0]

    @property
    def shifted(self) -> tuple[str, ...]:
        """The domains under shift."""
        return self.domains[1:]
