"""What of the data sets lies on this machine. Listed again after a minute: folders change while the app runs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.checkpoints import Checkpoint
from app.sources import own_folder
from gnl_core.datasets import DATASETS, FOLDER, default_root, list_items
from gnl_core.datasets.base import UNLABELLED, DatasetSpec
from gnl_core.datasets.folder import open_folder
from gnl_core.datasets.overview import look_over
from gnl_core.datasets.presence import count_domains, found_classes

LISTED_SECONDS = 60


def is_bundled(dataset: str) -> bool:
    """Whether a data set comes with the project."""
    return dataset != FOLDER and not DATASETS[dataset].how_to_get


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def classes_here(dataset: str, root: Path | None) -> list[str]:
    """The classes of a data set on disk whose training images are there."""
    return found_classes(dataset, root)


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def domains_here(dataset: str, normal_class: str, root: Path | None) -> list[str]:
    """The domains of a data set on disk whose images are there."""
    counts = count_domains(dataset, normal_class=normal_class, root=root)
    return [domain for domain, count in counts.items() if count]


@st.cache_data(ttl=LISTED_SECONDS, max_entries=64, show_spinner=False)
def images_equal_to_training(dataset: str, normal_class: str, root: Path | None) -> dict[str, int]:
    """Domain to the number of its images that equal a training image; none where they are made or not there."""
    try:
        return look_over(dataset, normal_class=normal_class, root=root).equal
    except ValueError:
        return {}


def typed_path(text: str | None) -> Path | None:
    """A path as people type and paste it: quotes around it, and ~ for the home folder."""
    bare = (text or "").strip().strip("'\"")
    return Path(bare).expanduser() if bare else None


def check_folder(path: Path) -> None:
    """Refuse what is no folder that can be read.

    Raises:
        ValueError: In one sentence for the page.
    """
    try:
        there = path.is_dir()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; choose another folder") from None
    if not there:
        raise ValueError(f"there is no folder {path} on this machine; check the path")


def open_own(path: Path) -> DatasetSpec:
    """The data set that a folder of one's own is.

    Raises:
        ValueError: If it is missing, unreadable, or laid out in no way that is known.
    """
    check_folder(path)
    try:
        return open_folder(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; choose another folder") from None


def known_folders(checkpoints: list[Checkpoint]) -> list[Path]:
    """Folders of one's own that the page can offer: the one that $GNL_DATA names, then those of trained runs."""
    named = default_root()
    candidates = [named.resolve() if named else None, *(own_folder(checkpoint) for checkpoint in checkpoints)]
    return [folder for folder in dict.fromkeys(candidates) if folder and can_be_opened(folder)]


def can_be_opened(path: Path) -> bool:
    """Whether a folder is laid out as one's own images are."""
    try:
        open_own(path)
    except ValueError:
        return False
    return True


def is_labelled(path: Path, domain: str) -> bool:
    """Whether someone has labelled the images of a domain of one's own folder."""
    items = list_items(FOLDER, normal_class=open_own(path).classes[0], domain=domain, root=path)
    return any(item.label != UNLABELLED for item in items)
