"""Images named in a CSV file, with label, domain, part and mask: for people whose images are sorted by a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AliasChoices, Field

from gnl_core.datasets.accounting import image_files
from gnl_core.datasets.base import INDUSTRIAL_OPERATIONS, UNLABELLED, DatasetSpec, Item
from gnl_core.datasets.csv_rows import check_links, find_named_image, read_rows
from gnl_core.datasets.folder import MARK, PLAIN_DOMAIN, RESERVED
from gnl_core.datasets.layout import UNLABELLED_CATEGORY, add_masks, image_item, require_root
from gnl_core.datasets.listing import list_folder
from gnl_core.datasets.names import FOLDER_NAMES, NORMAL, plain_name
from gnl_core.files.records import SavedRecord
from gnl_core.messages import quote

USUAL_NAME = "images.csv"
ENDING = ".csv"
TRAINING = ("train", "training")  # accepted in the column split
TEST = ("test", "testing", "val", "valid", "validation")
NORMAL_TEST_ENDING = "_test"  # anomalib's normal_test is normal
ANOMALOUS = "anomalous"  # category of an anomaly whose defect is not named
NO_LABELS = ("", "unlabelled", "-1")
HOW_TO_GET = (
    f"Pass the folder of your table with --data-root: a CSV file, {USUAL_NAME} or the only one there, with a row for "
    "each image and the columns path (below that folder) and split (train or test), and, if you have them, label (0 or "
    "good; 1, bad or a kind of defect; empty), domain and mask."
)

Text = Annotated[str, Field(max_length=1000)]
# anomalib's tables have image_path, label_index and mask_path; their path is the folder of all images
IMAGE_COLUMNS = AliasChoices("image_path", "path", "image", "file_name", "filename", "file")


class Row(SavedRecord):
    """A row of the table. Where a column can have several names, the first of those that the table has is read.

    Attributes:
        path: The image's file, below the table's folder.
        split: Whether the image is for training or testing.
        label: Normal, anomalous, a kind of defect, or empty for an image without a label.
        domain: The image's domain; empty if the table has only one.
        mask: The mask of an anomalous image, below the table's folder.
    """

    path: Annotated[str, Field(min_length=1, max_length=1000, validation_alias=IMAGE_COLUMNS)]
    split: Text
    label: Annotated[Text, Field(validation_alias=AliasChoices("label", "label_index"))] = ""
    domain: Text = ""
    mask: Annotated[Text, Field(validation_alias=AliasChoices("mask_path", "mask"))] = ""


class Images(NamedTuple):
    """The images of a table.

    Attributes:
        training: Normal images to train on.
        domains: Images to score by domain, the in-distribution one first.
    """

    training: list[Item]
    domains: dict[str, list[Item]]


def open_csv(root: Path | None) -> DatasetSpec:
    """Open the images that a CSV file names as a data set; docs/datasets.md describes its columns.

    Args:
        root: The folder of the file.

    Raises:
        ValueError: If there is no such file or several, or a row cannot be used; the message gives its number.
    """
    folder = require_root(root)
    path = find_table(folder)
    images = read_images(path)
    return DatasetSpec(
        summary=f"The images named in {path.name}",
        classes=(NORMAL,),
        domains=tuple(images.domains),
        train_items=partial(list_train, path),
        test_items=partial(list_test, path),
        augmix_operations=INDUSTRIAL_OPERATIONS,
        licence="yours",
        anomalies="defects",
        how_to_get=HOW_TO_GET,
        folders=top_folders(images, folder),
        lists=partial(list_table, path),
    )


def list_train(path: Path, root: Path | None, normal_class: str) -> list[Item]:
    """List the images to train on; the data root is not needed, since the table is known."""
    return read_images(path).training


def list_test(path: Path, root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images of one domain."""
    return read_images(path).domains[domain]


def list_table(path: Path, root: Path) -> tuple[Path, ...]:
    """List the table itself."""
    return (path,)


def find_table(folder: Path) -> Path:
    """Find the CSV file in a folder: the one of the usual name, or else the only one.

    Raises:
        ValueError: If there is none, or several.
    """
    tables = [path for path in list_folder(folder) if path.suffix.lower() == ENDING and not path.is_dir()]
    usual = [path for path in tables if path.name == USUAL_NAME] or tables
    if not usual:
        raise ValueError(
            f"no CSV file in {folder}; expected {USUAL_NAME} with the columns path, split, label, domain, mask"
        )
    if len(usual) > 1:
        raise ValueError(f"{usual[0]} and {usual[1].name} could both name the images; call one of them {USUAL_NAME}")
    return usual[0]


def read_images(path: Path) -> Images:
    """Read a table.

    Raises:
        ValueError: If a row cannot be used, there are no images to train on or to score, or a domain is of no use.
    """
    rows = read_rows(path, Row)
    items = {number: make_item(row, path.parent, place=f"row {number} of {path}") for number, row in rows.items()}
    check_links(image_files(items.values()), root=path.parent)
    check_unique(items, path)
    training = [items[number] for number, row in rows.items() if is_training(row)]
    tested = [items[number] for number, row in rows.items() if not is_training(row)]
    if not training:
        raise ValueError(
            f"{path} has no row with {TRAINING[0]!r} in the column split; expected normal images to train on"
        )
    return Images(training, group_by_domain(tested, first=only_domain(training, path), path=path))


def make_item(row: Row, folder: Path, *, place: str) -> Item:
    """Make the item of a row.

    Raises:
        ValueError: If its files are not there, or its label, split or domain is of no use.
    """
    if plain_name(row.split) not in (*TRAINING, *TEST):
        raise ValueError(f"{place} has the split {quote(row.split)}; expected {TRAINING[0]} or {TEST[0]}")
    check_domain_name(row.domain, place=place)
    label, category = parse_label(row.label, is_training=is_training(row), place=place)
    file = find_named_image(row.path, folder, place=place)
    item = image_item(file, base=folder, label=label, domain=row.domain or PLAIN_DOMAIN, category=category)
    return add_masks(item, [find_named_image(row.mask, folder, place=place)]) if row.mask and label == 1 else item


def check_domain_name(domain: str, *, place: str) -> None:
    """Check that a domain can be named in commands and name a folder of maps.

    Raises:
        ValueError: If it cannot.
    """
    if domain in RESERVED or domain.startswith(".") or any(mark in domain for mark in (MARK, "/", "\\")):
        names = ", ".join(RESERVED)
        raise ValueError(
            f"{place} has the domain {quote(domain)}; expected a name other than {names}, without {MARK}, / and \\, "
            "and without a dot at its beginning"
        )


def is_training(row: Row) -> bool:
    """Return whether the image of a row is for training."""
    return plain_name(row.split) in TRAINING


def parse_label(text: str, *, is_training: bool, place: str) -> tuple[int, str]:
    """Parse a label as 0, 1 or -1 and a category; an image to train on is normal without a label, too.

    Raises:
        ValueError: If it is a number other than 0 and 1, or an image to train on is anomalous.
    """
    name = plain_name(text)
    if name in NO_LABELS:
        return (0, NORMAL) if is_training else (UNLABELLED, UNLABELLED_CATEGORY)
    if name.removesuffix(NORMAL_TEST_ENDING) in ("0", "0.0", *FOLDER_NAMES["normal"]):
        return 0, NORMAL
    if is_number(name) and name not in ("1", "1.0"):
        raise ValueError(f"{place} has the label {quote(text)}; expected 0, 1, good, bad, a kind of defect, or none")
    if is_training:
        raise ValueError(f"{place} is to be trained on, but has the label {quote(text)}; expected a normal image")
    return 1, ANOMALOUS if is_number(name) else text


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_unique(items: Mapping[int, Item], path: Path) -> None:
    """Check that no two rows name the same image."""
    first: dict[str, int] = {}
    for number, item in items.items():
        if item.path in first:
            raise ValueError(f"rows {first[item.path]} and {number} of {path} name the same image; remove one of them")
        first[item.path] = number


def only_domain(training: Sequence[Item], path: Path) -> str:
    """Return the domain of all images to train on.

    Raises:
        ValueError: If they have several.
    """
    domains = list(dict.fromkeys(item.domain for item in training))
    if len(domains) > 1:
        names = " and ".join(map(quote, domains[:2]))
        raise ValueError(f"{path} has images of {names} to train on; expected one domain, the in-distribution one")
    return domains[0]


def group_by_domain(tested: Sequence[Item], *, first: str, path: Path) -> dict[str, list[Item]]:
    """Group the images to score by domain, in the order in which the domains appear after the first.

    Raises:
        ValueError: If the first domain has none, or one has only normal or anomalous images, or only some with a label.
    """
    domains: dict[str, list[Item]] = {first: []}
    for item in tested:
        domains.setdefault(item.domain, []).append(item)
    if not domains[first]:
        raise ValueError(
            f"{path} trains on the domain {quote(first)}, but has no image of it to score; expected rows with the "
            f"split {TEST[0]}"
        )
    for domain, items in domains.items():
        if {item.label for item in items} not in ({0, 1}, {UNLABELLED}):
            raise ValueError(
                f"{path} has {describe_labels(items)} of the domain {quote(domain)} to score; expected normal and "
                "anomalous ones, or no labels at all"
            )
    return domains


def describe_labels(items: Sequence[Item]) -> str:
    """Count images by label: "3 normal, 0 anomalous and 1 unlabelled images"."""
    normal, anomalous, unlabelled = (sum(item.label == label for item in items) for label in (0, 1, UNLABELLED))
    return f"{normal} normal, {anomalous} anomalous and {unlabelled} unlabelled images"


def top_folders(images: Images, folder: Path) -> tuple[str, ...]:
    """List the folders beside the table that contain images or masks."""
    everything = [*images.training, *(item for items in images.domains.values() for item in items)]
    parents = (file.relative_to(folder).parts[:-1] for file in image_files(everything))
    return tuple(sorted({parts[0] for parts in parents if parts}))
