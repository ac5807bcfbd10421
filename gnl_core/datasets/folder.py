"""The user's own images: a folder of normal ones to train on, and others to score, with or without labels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gnl_core.datasets.base import INDUSTRIAL_OPERATIONS, DatasetSpec, Item
from gnl_core.datasets.layout import (
    NORMAL,
    image_item,
    list_defects,
    require_folders_of,
    require_images,
    require_root,
)
from gnl_core.datasets.listing import list_folders, list_images

UNKNOWN = -1  # the label of images that nobody has labelled
UNLABELLED = "unlabelled"
TRAIN_FOLDERS = ("train/good", "train", "normal")
TEST_FOLDERS = ("test", "images")
MASKS = "ground_truth"
PLAIN_DOMAIN = "test"
RESERVED = "train"  # the name under which the training images themselves are scored
MARK = "+"  # comes before a corruption
IN_DISTRIBUTION_NAMES = ("in_distribution", "original", "source")  # a test domain of such a name comes first
HOW_TO_GET = (
    "Pass a folder of your own with --data-root: train/good and test/<domain>/good, test/<domain>/<defect> (masks, if "
    "any, as ground_truth/<domain>/<defect>/<image>_mask.png), or a folder like one of MVTec AD's categories. Without "
    "labels, normal images in train/ and those to score in test/ are enough."
)


def open_folder(root: Path | None) -> DatasetSpec:
    """The data set that a folder of images is.

    `test/<domain>/<good or defect>` gives a domain each; `test/<good or defect>` and images directly in `test/` give
    the one domain "test". The in-distribution domain is the one named so ("in_distribution", "original" or
    "source"), else the first by name.

    Args:
        root: The folder with train/ and test/ in it.

    Raises:
        ValueError: If it is missing, or is laid out in no way that is known.
    """
    folder = require_root(root)
    find_train(folder)
    test = find_test(folder)
    domains = find_domains(test)
    if domains != (PLAIN_DOMAIN,):
        require_folders_of(folder / MASKS, domains, place=test)
    return DatasetSpec(
        summary=f"Your own images in {folder.name}",
        classes=(NORMAL,),
        domains=domains,
        train_items=partial(list_train, folder),
        test_items=partial(list_test, folder),
        augmix_operations=INDUSTRIAL_OPERATIONS,
        anomalies="defects",
        how_to_get=HOW_TO_GET,
        folders=(*TRAIN_FOLDERS, *TEST_FOLDERS, MASKS),
    )


def list_train(folder: Path, root: Path | None, normal_class: str) -> list[Item]:
    """The normal images; the data root is not needed: the folder is known."""
    paths = require_images(find_train(folder), root=folder)
    domain = find_domains(find_test(folder))[0]
    return [image_item(path, base=folder, label=0, domain=domain, category=NORMAL) for path in paths]


def list_test(folder: Path, root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """The images of one domain, with masks where there are some; label -1 where nobody has labelled them."""
    test = find_test(folder)
    if not list_folders(test):
        paths = require_images(test, root=folder)
        return [image_item(path, base=folder, label=UNKNOWN, domain=domain, category=UNLABELLED) for path in paths]
    if is_plain(test):
        return list_defects(test, folder / MASKS, root=folder, base=folder, domain=domain)
    return list_defects(test / domain, folder / MASKS / domain, root=folder, base=folder, domain=domain)


def find_train(folder: Path) -> Path:
    """The folder of normal images."""
    for name in TRAIN_FOLDERS:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(f"no folder {folder / TRAIN_FOLDERS[0]}; expected normal images there, or in train/ or normal/")


def find_test(folder: Path) -> Path:
    """The folder of images to score."""
    for name in TEST_FOLDERS:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(f"no folder {folder / TEST_FOLDERS[0]}; expected images to score there, or in images/")


def find_domains(test: Path) -> tuple[str, ...]:
    """The names of the test domains, the in-distribution one first.

    Raises:
        ValueError: If a name has another meaning, or the folder is laid out in no way that is known.
    """
    names = [path.name for path in list_folders(test)]
    if not names or is_plain(test):
        return (PLAIN_DOMAIN,)
    for name in names:
        if name == RESERVED or MARK in name:
            raise ValueError(f"{test / name} cannot be a domain, as {RESERVED!r} and {MARK!r} mean others; rename it")
    return tuple(sorted(names, key=lambda name: (name not in IN_DISTRIBUTION_NAMES, name)))


def is_plain(test: Path) -> bool:
    """Whether the folders in it are "good" and defect types rather than domains.

    Raises:
        ValueError: If some are, or if there are images beside the folders.
    """
    folders = list_folders(test)
    kinds = [path for path in folders if path.name == NORMAL or not list_folders(path)]
    if list_images(test, root=test.parent) or 0 < len(kinds) < len(folders):
        raise ValueError(
            f"{test} mixes layouts; expected test/<domain>/<good or defect> or test/<good or defect> throughout, or "
            "unlabelled images without any folder"
        )
    return bool(kinds)
