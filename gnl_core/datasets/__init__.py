"""The table of data sets; each has its own file."""

from __future__ import annotations

import os
from pathlib import Path

from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets.aebad import AEBAD
from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.bsdata import BSDATA
from gnl_core.datasets.btad import BTAD
from gnl_core.datasets.cifar10 import CIFAR10
from gnl_core.datasets.csv_file import open_csv
from gnl_core.datasets.digits import DIGITS
from gnl_core.datasets.folder import open_folder
from gnl_core.datasets.ksdd2 import KSDD2
from gnl_core.datasets.mnist import MNIST
from gnl_core.datasets.mpdd import MPDD
from gnl_core.datasets.mvtec import MVTEC
from gnl_core.datasets.mvtec2 import MVTEC2
from gnl_core.datasets.mvtec_loco import MVTEC_LOCO
from gnl_core.datasets.pacs import PACS
from gnl_core.datasets.parts import PARTS
from gnl_core.datasets.shifts import base_domains, shift_items, shifted_domain, split_domain
from gnl_core.datasets.visa import VISA
from gnl_core.messages import quote

PAPERS_SHIFTS = ("brightness:3", "contrast:3", "defocus_blur:3", "gaussian_noise:3")


def with_papers_shifts(spec: DatasetSpec) -> DatasetSpec:
    """Add the paper's four corruptions to a data set without shifted domains."""
    base = spec.in_distribution
    return spec._replace(domains=(base, *(shifted_domain(base, shift) for shift in PAPERS_SHIFTS)))


DATASETS: dict[str, DatasetSpec] = {
    "digits": DIGITS,
    "parts": PARTS,
    "mnist": MNIST,
    "pacs": PACS,
    "mvtec": with_papers_shifts(MVTEC),
    "cifar10": with_papers_shifts(CIFAR10),
    "bsdata": BSDATA,
    "btad": with_papers_shifts(BTAD),
    "mpdd": with_papers_shifts(MPDD),
    "visa": with_papers_shifts(VISA),
    "mvtec_loco": with_papers_shifts(MVTEC_LOCO),
    "mvtec2": MVTEC2,
    "aebad": AEBAD,
    "ksdd2": with_papers_shifts(KSDD2),
}
FOLDER, CSV = "folder", "csv"
OWN = (FOLDER, CSV)  # the user's images: not in the table, since their contents are only known when they are opened


def find_dataset(name: str, root: Path | None = None, *, split: Split = USUAL_SPLIT) -> DatasetSpec:
    """Look up a data set by name; "folder" and "csv" are the user's own folder, the data root itself.

    Args:
        name: A name in DATASETS or OWN.
        root: Folder of the data sets on disk; unset: $GNL_DATA.
        split: How "folder" is divided if it has no training folder; for a run, `RunConfig.split`.

    Raises:
        ValueError: If the name is unknown, or the user's folder or table cannot be used.
    """
    if name == FOLDER:
        return open_folder(root or default_root(), split)
    if name == CSV:
        return open_csv(root or default_root())
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {quote(name)}; choose one of: {', '.join((*DATASETS, *OWN))}")
    return DATASETS[name]


def list_train_items(
    name: str, *, normal_class: str, root: Path | None = None, split: Split = USUAL_SPLIT
) -> list[Item]:
    """List the normal training images of a data set.

    Args:
        name: A name in DATASETS or OWN.
        normal_class: The class that is normal.
        root: Folder of the data sets on disk; unset: $GNL_DATA.
        split: As in `find_dataset`.

    Raises:
        ValueError: If the data set or the class is unknown, or its files are missing.
    """
    spec = find_dataset(name, root, split=split)
    check_class(spec, normal_class)
    return spec.train_items(root or default_root(), normal_class)


def list_items(
    name: str, *, normal_class: str, domain: str, root: Path | None = None, split: Split = USUAL_SPLIT
) -> list[Item]:
    """List the images of one domain for scoring.

    Args:
        name: A name in DATASETS or OWN.
        normal_class: The class that is normal.
        domain: A domain of the data set, optionally with a corruption, as in "digits+defocus_blur:3".
        root: Folder of the data sets on disk; unset: $GNL_DATA.
        split: As in `find_dataset`.

    Raises:
        ValueError: If the data set, the class or the domain is unknown, or its files are missing.
    """
    base, shift = split_domain(domain)
    items = list_base_items(name, normal_class=normal_class, domain=base, root=root, split=split)
    return shift_items(items, shift) if shift else items


def list_base_items(name: str, *, normal_class: str, domain: str, root: Path | None, split: Split) -> list[Item]:
    """List a domain without a corruption."""
    spec = find_dataset(name, root, split=split)
    check_class(spec, normal_class)
    choices = base_domains(spec)
    if domain not in choices:
        raise ValueError(f"unknown domain {quote(domain)} of {name}; choose one of: {', '.join(choices)}")
    return spec.test_items(root or default_root(), normal_class, domain)


def default_root() -> Path | None:
    """Return the folder that $GNL_DATA names, or None if it is unset."""
    folder = os.environ.get("GNL_DATA")
    return Path(folder) if folder else None


def check_class(spec: DatasetSpec, normal_class: str) -> None:
    """Raise ValueError for a normal class that the data set does not have."""
    if normal_class not in spec.classes:
        raise ValueError(f"unknown class {quote(normal_class)}; choose one of: {', '.join(spec.classes)}")
