"""A checkpoint and its images in their current state on disk. Nothing here imports PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app.checkpoints import Checkpoint
from gnl_core.config import ScoringConfig
from gnl_core.datasets import OWN, default_root, list_items
from gnl_core.datasets.listing import list_folders, list_images
from gnl_core.datasets.shifts import split_domain
from gnl_core.files import real_path
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.domains import HELD_OUT, TRAIN

WATCHED_SECONDS = 5


class Source(NamedTuple):
    """The inputs of scores and maps; equal sources give equal results.

    Attributes:
        weights: The checkpoint's file.
        sha256: Its hash.
        data_root: The folder of its data sets; None for $GNL_DATA.
        version: Changes with the images of the user's own folder; empty for other data sets.
    """

    weights: Path
    sha256: str
    data_root: Path | None
    version: str


def source_of(checkpoint: Checkpoint) -> Source:
    """Return the current source of a checkpoint's scores and maps."""
    folder = own_folder(checkpoint)
    version = "" if folder is None else fingerprint(folder)
    return Source(checkpoint.folder.weights, checkpoint.sha256, checkpoint.config.data_root, version)


def scores_key(source: Source, *, domain: str, scoring: ScoringConfig) -> tuple[str, ...]:
    """Identify one set of scores uniquely."""
    return *images_key(source, domain=domain), scoring.model_dump_json()


def adapted_key(source: Source, *, domain: str, scoring: ScoringConfig, choice: TrayChoice) -> tuple[str, ...]:
    """Identify one set of scores under an adaptation uniquely."""
    return (
        *scores_key(source, domain=domain, scoring=scoring),
        "normal" if choice.known_normal else "",
        str(choice.size),
    )


def images_key(source: Source, *, domain: str) -> tuple[str, ...]:
    """Identify the images of one domain for one checkpoint uniquely."""
    return source.sha256, str(source.data_root), source.version, domain


def own_folder(checkpoint: Checkpoint) -> Path | None:
    """Return the user's folder on which a run was trained; None for a run of another data set."""
    if checkpoint.config.dataset not in OWN:
        return None
    root = checkpoint.config.data_root or default_root()
    return real_path(root) if root else None


def is_current(saved: Scores, checkpoint: Checkpoint, domain: str) -> bool:
    """Return whether saved scores match the images that exist now, because the user's own folder can change."""
    folder = own_folder(checkpoint)
    if folder is None or split_domain(domain)[0] in (TRAIN, HELD_OUT):
        return True
    dataset, normal_class = checkpoint.task
    items = list_items(dataset, normal_class=normal_class, domain=domain, root=folder, split=checkpoint.config.split)
    return saved.path.tolist() == [item.path for item in items]


@st.cache_data(ttl=WATCHED_SECONDS, max_entries=16, show_spinner=False)
def fingerprint(folder: Path) -> str:
    """Hash a folder's listing, which changes when an image or a table of them is, and results become stale."""
    digest = hashlib.sha256()
    for path in [*all_images(folder), *sorted(folder.glob("*.csv"))]:
        facts = path.stat()
        digest.update(f"{path.relative_to(folder)}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def all_images(folder: Path) -> list[Path]:
    """List the images in a folder and in all folders below it."""
    below = [path for inner in list_folders(folder) if not inner.is_symlink() for path in all_images(inner)]
    return list_images(folder, root=folder) + below
