"""The data sets, one file each, and the table of them."""

from __future__ import annotations

from pathlib import Path

from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.digits import DIGITS

DATASETS: dict[str, DatasetSpec] = {
    "digits": DIGITS,
}
TRAIN = "train"  # the name under which the normal training images themselves are scored


def find_dataset(name: str) -> DatasetSpec:
    """Look a data set up by name.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}; choose one of: {', '.join(DATASETS)}")
    return DATASETS[name]


def list_train_items(name: str, *, normal_class: str, root: Path | None = None) -> list[Item]:
    """List the normal training images of a data set.

    Raises:
        ValueError: If the data set or the class is unknown.
    """
    spec = find_dataset(name)
    check_class(spec, normal_class)
    return spec.train_items(root, normal_class)


def list_items(name: str, *, normal_class: str, domain: str, root: Path | None = None) -> list[Item]:
    """List the images of one domain that are to be scored; domain "train" is the normal training images.

    Raises:
        ValueError: If the data set, the class or the domain is unknown.
    """
    spec = find_dataset(name)
    check_class(spec, normal_class)
    if domain == TRAIN:
        return [item._replace(domain=TRAIN) for item in spec.train_items(root, normal_class)]
    if domain not in spec.domains:
        raise ValueError(f"unknown domain {domain!r} of {name}; choose one of: {', '.join((*spec.domains, TRAIN))}")
    return spec.test_items(root, normal_class, domain)


def check_class(spec: DatasetSpec, normal_class: str) -> None:
    """Refuse a normal class that the data set does not have."""
    if normal_class not in spec.classes:
        raise ValueError(f"unknown class {normal_class!r}; choose one of: {', '.join(spec.classes)}")
