"""The records of a data set: items for training, and items of each domain to score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1  # the label of an unlabelled image
Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# The names of AugMix's operations (`views.OPERATIONS`) from which the paper's published code draws
INDUSTRIAL_OPERATIONS = ("autocontrast", "equalize", "posterize", "solarize", "color", "sharpness")  # on MVTec AD
ALL_OPERATIONS = (*INDUSTRIAL_OPERATIONS, "contrast", "brightness")  # on PACS


class Item(NamedTuple):
    """An image that is not read yet.

    Attributes:
        path: A name that identifies the image within its data set.
        read: Decodes the image: RGB, shape (H, W, 3), at native size.
        label: 0 for normal, 1 for anomalous, -1 for unlabelled.
        domain: The domain of the image.
        category: What the image shows.
        mask: Decodes the anomalous pixels: shape (H, W) at native size; None without a mask.
        file: The file of the image, which may contain others too; None for a generated image.
        mask_file: The file of the mask.
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
    """Return no lists: the default for data sets whose folders determine everything."""
    return ()


class DatasetSpec(NamedTuple):
    """A data set: its contents, and the functions that list its images without reading pixels.

    Attributes:
        summary: Contents and origin in one sentence.
        classes: The classes, one of which is normal.
        domains: The in-distribution domain first, then the shifted ones.
        train_items: Root folder and normal class to the normal training images.
        test_items: Root folder, normal class and domain to the images to score.
        augmix_operations: The operations of AugMix in training: INDUSTRIAL_OPERATIONS or ALL_OPERATIONS.
        anomalies: Kind of anomalies: "objects" of other classes, or "defects" of the normal class.
        how_to_get: Source and expected layout; empty for bundled data sets.
        folders: Folders below the root whose image files, at any depth, count as images of the data set.
        lists: Root folder to the files, other than images, that assign images to training, test and domains.
        split: Root folder to a short description of the split into training and test images, if it depends on the
            files present; else None.
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
