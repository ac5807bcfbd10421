"""Find the classes and domains of a data set whose images are on this machine."""

from __future__ import annotations

from pathlib import Path

from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.shifts import base_domains


def count_images(name: str, *, normal_class: str, domain: str, root: Path | None) -> int | None:
    """Return the number of images of one domain, or None if they are missing."""
    try:
        return len(list_items(name, normal_class=normal_class, domain=domain, root=root))
    except ValueError:
        return None


def find_train_items(name: str, *, normal_class: str, root: Path | None) -> list[Item] | None:
    """List the normal training images, or return None if they are missing; the caller explains how to get them."""
    try:
        return list_train_items(name, normal_class=normal_class, root=root)
    except ValueError:
        return None


def available_classes(name: str, root: Path | None) -> list[str]:
    """List the classes whose training images exist, in the data set's order.

    Raises:
        ValueError: If there is no data set of that name.
    """
    return [
        known
        for known in find_dataset(name, root).classes
        if find_train_items(name, normal_class=known, root=root) is not None
    ]


def count_domains(name: str, *, normal_class: str, root: Path | None) -> dict[str, int | None]:
    """Return the number of images to score per domain without corruptions; None where they are missing.

    Raises:
        ValueError: If there is no data set of that name.
    """
    return {
        domain: count_images(name, normal_class=normal_class, domain=domain, root=root)
        for domain in base_domains(find_dataset(name, root))
    }
