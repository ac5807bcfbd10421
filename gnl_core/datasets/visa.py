"""VisA (Zou et al., 2022): twelve objects with defects, each with a mask, divided by its authors' list.

It is read as published or as its authors' script arranges it, in MVTec AD's layout. Images have the same names in both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gnl_core.datasets import mvtec_layout
from gnl_core.datasets.accounting import image_files
from gnl_core.datasets.base import DatasetSpec, Item, Publication
from gnl_core.datasets.csv_rows import check_links, find_named_image, read_rows
from gnl_core.datasets.layout import add_masks, find_below, image_item, require_anomalies, require_root
from gnl_core.datasets.mvtec_layout import Layout, make_spec
from gnl_core.datasets.names import NORMAL
from gnl_core.files.records import SavedRecord

NAME = "visa"
PUBLISHED = ("visa", "VisA_20220922")  # folders as published, each with the list
LIST = "split_csv/1cls.csv"
PUBLICATION = Publication("VisA", "CC BY 4.0", "github.com/amazon-science/spot-diff")
ARRANGED = Layout(NAME, PUBLICATION.title, folders=("visa", "visa/1cls", "visa_pytorch/1cls", "visa/visa_pytorch/1cls"))
DEFECT = "bad"  # its authors' script names all defects so
EXPECTED = f"VisA as published, with its list visa/{LIST}, or {ARRANGED.expected}"

Name = Annotated[str, Field(min_length=1, max_length=1000)]


class Row(SavedRecord):
    """A row of the list.

    Attributes:
        object: The class.
        split: Whether the image is for training or testing.
        label: Whether it is normal.
        image: Its file, below the data set's folder.
        mask: Its mask; empty for a normal image.
    """

    object: Name
    split: Literal["train", "test"]
    label: Literal["normal", "anomaly"]
    image: Name
    mask: str = ""


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List a class's images to train on.

    Raises:
        ValueError: If files are missing, or the list cannot be read.
    """
    folder = find_published(root)
    if folder is None or is_arranged(root, normal_class):
        return mvtec_layout.train_items(ARRANGED, root, normal_class)
    return list_rows(folder, normal_class, "train", root=require_root(root))


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List a class's images to score, defects with their mask.

    Raises:
        ValueError: If files are missing, or the list cannot be read.
    """
    folder = find_published(root)
    if folder is None or is_arranged(root, normal_class):
        return mvtec_layout.test_items(ARRANGED, root, normal_class, domain)
    items = list_rows(folder, normal_class, "test", root=require_root(root))
    return require_anomalies(items, place=folder / LIST, normal_class=normal_class)


def find_published(root: Path | None) -> Path | None:
    """Find the folder of VisA as published; None if there is none with the list."""
    folders = (find_below(require_root(root), name) for name in PUBLISHED)
    return next((folder for folder in folders if folder and (folder / LIST).is_file()), None)


def is_arranged(root: Path | None, normal_class: str) -> bool:
    """Return whether a class is there in MVTec AD's layout."""
    folders = (find_below(require_root(root), f"{folder}/{normal_class}") for folder in ARRANGED.folders)
    return any(folder and find_below(folder, ARRANGED.training) for folder in folders)


def list_rows(folder: Path, normal_class: str, split: str, *, root: Path) -> list[Item]:
    """List the images of a class in one part of the list.

    Raises:
        ValueError: If there are none, or files are missing or lie outside the root.
    """
    path = folder / LIST
    check_links([path], root=root)
    part = (normal_class, split)
    rows = {number: row for number, row in read_rows(path, Row).items() if (row.object, row.split) == part}
    if not rows or not (folder / normal_class).is_dir():
        raise ValueError(f"no images of {normal_class} in {folder}; expected {EXPECTED}")
    items = [make_item(row, folder, place=f"row {number} of {path}") for number, row in rows.items()]
    check_links(image_files(items), root=root)
    return items


def make_item(row: Row, folder: Path, *, place: str) -> Item:
    """Make the item of a row, named as its authors' script arranges it."""
    file = find_named_image(row.image, folder, place=place)
    anomalous = row.label == "anomaly"
    if anomalous and row.split == "train":
        raise ValueError(f"{place} is an anomaly to train on; correct it")
    mask = find_named_image(row.mask, folder, place=place) if anomalous and row.mask else None
    category = DEFECT if anomalous else NORMAL
    item = image_item(file, base=folder, label=int(anomalous), domain=NAME, category=category)
    named = item._replace(path=f"{NAME}/{row.object}/{row.split}/{category}/{file.name}")
    return named if mask is None else add_masks(named, [mask])


def list_files(root: Path) -> tuple[Path, ...]:
    """List the list, if VisA is there as published."""
    folder = find_published(root)
    return () if folder is None else (folder / LIST,)


ARRANGED_SPEC = make_spec(
    ARRANGED,
    summary="Twelve objects, among them circuit boards and food, with masked defects",
    classes=(
        "candle",
        "capsules",
        "cashew",
        "chewinggum",
        "fryum",
        "macaroni1",
        "macaroni2",
        "pcb1",
        "pcb2",
        "pcb3",
        "pcb4",
        "pipe_fryum",
    ),
    licence=PUBLICATION.licence,
    page=PUBLICATION.page,
)
VISA: DatasetSpec = ARRANGED_SPEC._replace(
    train_items=train_items,
    test_items=test_items,
    how_to_get=PUBLICATION.how_to_get("visa/<object> and visa/split_csv"),
    lists=list_files,
    folders=(
        *ARRANGED_SPEC.folders,
        *(f"{folder}/{name}/Data" for folder in PUBLISHED for name in ARRANGED_SPEC.classes),
    ),
)
