"""A checkpoint and the images that it looks at, as they are on disk now. Nothing here imports PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app.checkpoints import Checkpoint
from gnl_core.config import ScoringConfig
from gnl_core.datasets import FOLDER, HELD_OUT, TRAIN, default_root, list_items
from gnl_core.datasets.listing import list_folders, list_images
from gnl_core.datasets.shifts import split_domain
from gnl_core.records import Scores

WATCHED_SECONDS = 5


class Source(NamedTuple):
    """What scores and maps are computed from; two that are equal give the same.

    Attributes:
        weights: The checkpoint's file.
        sha256: Its hash.
        data_root: Where its data sets lie; None: $GNL_DATA.
        version: Changes when the images of a folder of one's own do.
    """

    weights: Path
    sha256: str
    data_root: Path | None
    version: str


def source_of(checkpoint: Checkpoint) -> Source:
    """What a checkpoint's scores and maps are computed from now."""
    folder = own_folder(checkpoint)
    version = "" if folder is None else fingerprint(folder)
    return Source(checkpoint.folder.weights, checkpoint.sha256, checkpoint.config.data_root, version)


def scores_key(source: Source, *, domain: str, scoring: ScoringConfig) -> tuple[str, ...]:
    """What tells one set of scores from all others."""
    return *images_key(source, domain=domain), scoring.model_dump_json()


def images_key(source: Source, *, domain: str) -> tuple[str, ...]:
    """What tells the images of one domain, as one checkpoint sees them, from all others."""
    return source.sha256, str(source.data_root), source.version, domain


def own_folder(checkpoint: Checkpoint) -> Path | None:
    """The folder that a run of one's own images was trained on; None for a run of another data set."""
    if checkpoint.config.dataset != FOLDER:
        return None
    root = checkpoint.config.data_root or default_root()
    return root.resolve() if root else None


def is_current(saved: Scores, checkpoint: Checkpoint, domain: str) -> bool:
    """Whether saved scores are of the images that are there now: a folder of one's own changes."""
    folder = own_folder(checkpoint)
    if folder is None or split_domain(domain)[0] in (TRAIN, HELD_OUT):
        return True
    dataset, normal_class = checkpoint.task
    items = list_items(dataset, normal_class=normal_class, domain=domain, root=folder, split=checkpoint.config.split)
    return saved.path.tolist() == [item.path for item in items]


@st.cache_data(ttl=WATCHED_SECONDS, max_entries=16, show_spinner=False)
def fingerprint(folder: Path) -> str:
    """Changes when an image in a folder is added, removed or replaced; what was computed from it is then stale."""
    digest = hashlib.sha256()
    for path in all_images(folder):
        facts = path.stat()
        digest.update(f"{path.relative_to(folder)}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def all_images(folder: Path) -> list[Path]:
    """The images in a folder and in all folders below it."""
    below = [path for inner in list_folders(folder) if not inner.is_symlink() for path in all_images(inner)]
    return list_images(folder, root=folder) + below
