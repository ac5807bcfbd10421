"""Data sets available on this machine. Listings expire after a minute, because folders change while the app runs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import streamlit as st

from app.checkpoints import Checkpoint
from app.server import rules
from app.sources import own_folder
from gnl_core.datasets import DATASETS, OWN, default_root, find_dataset, list_items
from gnl_core.datasets.base import UNLABELLED, DatasetSpec
from gnl_core.datasets.overview import look_over
from gnl_core.datasets.presence import available_classes, count_domains
from gnl_core.files import real_path

LISTED_SECONDS = 60


def is_bundled(dataset: str) -> bool:
    """Return whether a data set is bundled with the project."""
    return dataset not in OWN and not DATASETS[dataset].how_to_get


def offered_datasets() -> list[str]:
    """List all data sets and the user's own images; data sets of which $GNL_DATA has no folder come last."""
    return sorted([*DATASETS, *OWN], key=lambda name: name not in OWN and not has_folder(name, default_root()))


def has_folder(dataset: str, root: Path | None) -> bool:
    """Return whether a data set is bundled, or has a folder in a data root, without looking into it."""
    tops = {dataset, *(PurePosixPath(folder).parts[0] for folder in DATASETS[dataset].folders)}
    return is_bundled(dataset) or (root is not None and any((root / top).is_dir() for top in tops))


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def classes_here(dataset: str, root: Path | None) -> list[str]:
    """List the classes of a data set on disk whose training images are available."""
    return available_classes(dataset, root)


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def domains_here(dataset: str, normal_class: str, root: Path | None) -> list[str]:
    """List the domains of a data set on disk whose images are available."""
    counts = count_domains(dataset, normal_class=normal_class, root=root)
    return [domain for domain, count in counts.items() if count]


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def images_equal_to_training(dataset: str, normal_class: str, root: Path | None) -> dict[str, int]:
    """Map each domain to the number of its images that equal a training image; empty if they cannot be compared."""
    try:
        return look_over(dataset, normal_class=normal_class, root=root).equal
    except ValueError:
        return {}


def typed_path(text: str | None) -> Path | None:
    """Parse a typed or pasted path: strip quotes, and expand ~ to the home folder if there is one."""
    bare = (text or "").strip().strip("'\"")
    if not bare:
        return None
    try:
        return Path(bare).expanduser()
    except RuntimeError:  # a user who has no home folder, or does not exist
        return Path(bare)


def check_folder(path: Path) -> None:
    """Check that a path is a readable folder that this server opens.

    Raises:
        ValueError: If it is not; one sentence for the page.
    """
    rules.open_path(path)
    try:
        there = path.is_dir()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; choose another folder") from None
    if not there:
        raise ValueError(f"there is no folder {path} on this machine; check the path")


def open_own(dataset: str, path: Path) -> DatasetSpec:
    """Open the user's own folder as a data set.

    Args:
        dataset: A name in OWN, which says how its images are described.
        path: The folder.

    Raises:
        ValueError: If it is missing, unreadable, or its layout or table cannot be used.
    """
    check_folder(path)
    try:
        return find_dataset(dataset, path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; choose another folder") from None


def known_folders(dataset: str, checkpoints: list[Checkpoint]) -> list[Path]:
    """List the user's folders that the page can offer: the one in $GNL_DATA, then those of trained runs."""
    named = default_root()
    candidates = [real_path(named) if named else None, *(own_folder(checkpoint) for checkpoint in checkpoints)]
    return [folder for folder in dict.fromkeys(candidates) if folder and can_be_opened(dataset, folder)]


def can_be_opened(dataset: str, path: Path) -> bool:
    """Return whether a folder can be opened as the user's own data set."""
    try:
        open_own(dataset, path)
    except ValueError:
        return False
    return True


def is_labelled(dataset: str, path: Path, domain: str) -> bool:
    """Return whether any image of a domain of the user's folder is labelled."""
    items = list_items(dataset, normal_class=open_own(dataset, path).classes[0], domain=domain, root=path)
    return any(item.label != UNLABELLED for item in items)
