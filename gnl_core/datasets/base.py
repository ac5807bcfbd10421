"""The records of a data set: items for training, and items of each domain to score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

NOT_STATED = "not stated"  # in place of a licence
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
        mask_files: The files of the mask, nearly always one.
    """

    path: str
    read: Callable[[], Image]
    label: int
    domain: str
    category: str
    mask: Callable[[], Mask] | None = None
    file: Path | None = None
    mask_files: tuple[Path, ...] = ()


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
        licence: Licence of the images; NOT_STATED if their authors name none.
        anomalies: Kind of anomalies: "objects" of other classes, or "defects" of the normal class.
        page: Address of its authors' page; empty without one.
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
    licence: str
    anomalies: Literal["objects", "defects"] = "objects"
    page: str = ""
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


class Publication(NamedTuple):
    """Where and how a data set was published.

    Attributes:
        title: Its name for readers.
        licence: As in DatasetSpec.
        page: Likewise.
    """

    title: str
    licence: str
    page: str

    def how_to_get(self, place: str) -> str:
        """Say how to get it and where to put it, in one sentence.

        Args:
            place: Its folders below the data root.
        """
        stated = f"licence {self.licence}" if self.licence == NOT_STATED else self.licence
        return f"Download {self.title} from {self.page} ({stated}) and unpack it as {place} under the data root."


def make_defects_spec(  # noqa: PLR0913 (a row of a table, all but the first by keyword)
    publication: Publication,
    *,
    summary: str,
    place: str,
    classes: tuple[str, ...],
    domains: tuple[str, ...],
    folders: tuple[str, ...],
    train_items: Callable[[Path | None, str], list[Item]],
    test_items: Callable[[Path | None, str, str], list[Item]],
) -> DatasetSpec:
    """Make the row of a data set of industrial images with defects.

    Args:
        publication: Where it was published.
        summary: Its contents.
        place: Its folders below the data root, for readers.
        classes: As in DatasetSpec.
        domains: Likewise.
        folders: Likewise.
        train_items: Likewise.
        test_items: Likewise.
    """
    return DatasetSpec(
        summary=f"{summary} ({publication.title})",
        classes=classes,
        domains=domains,
        folders=folders,
        train_items=train_items,
        test_items=test_items,
        augmix_operations=INDUSTRIAL_OPERATIONS,
        anomalies="defects",
        licence=publication.licence,
        page=publication.page,
        how_to_get=publication.how_to_get(place),
    )
