"""Data sets available on this machine. Listings expire after a minute, because folders change while the app runs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.checkpoints import Checkpoint
from app.server import rules
from app.sources import own_folder
from gnl_core.datasets import DATASETS, FOLDER, default_root, list_items
from gnl_core.datasets.base import UNLABELLED, DatasetSpec
from gnl_core.datasets.folder import open_folder
from gnl_core.datasets.overview import look_over
from gnl_core.datasets.presence import available_classes, count_domains
from gnl_core.files import real_path

LISTED_SECONDS = 60


def is_bundled(dataset: str) -> bool:
    """Return whether a data set is bundled with the project."""
    return dataset != FOLDER and not DATASETS[dataset].how_to_get


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


def open_own(path: Path) -> DatasetSpec:
    """Open the user's own folder as a data set.

    Raises:
        ValueError: If it is missing, unreadable, or has an unknown layout.
    """
    check_folder(path)
    try:
        return open_folder(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; choose another folder") from None


def known_folders(checkpoints: list[Checkpoint]) -> list[Path]:
    """List the user's folders that the page can offer: the one in $GNL_DATA, then those of trained runs."""
    named = default_root()
    candidates = [real_path(named) if named else None, *(own_folder(checkpoint) for checkpoint in checkpoints)]
    return [folder for folder in dict.fromkeys(candidates) if folder and can_be_opened(folder)]


def can_be_opened(path: Path) -> bool:
    """Return whether a folder can be opened as the user's own data set."""
    try:
        open_own(path)
    except ValueError:
        return False
    return True


def is_labelled(path: Path, domain: str) -> bool:
    """Return whether any image of a domain of the user's folder is labelled."""
    items = list_items(FOLDER, normal_class=open_own(path).classes[0], domain=domain, root=path)
    return any(item.label != UNLABELLED for item in items)
