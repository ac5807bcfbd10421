"""The images of trays, and the training images that they are compared with, read from disk."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gnl_core.config import RunConfig
from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.duplicates import pixel_digest
from gnl_core.datasets.layout import image_item
from gnl_core.datasets.listing import list_images
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.prefetching import prefetch
from gnl_core.datasets.tiles import cut_items
from gnl_core.runs.images import readable_items, split_training
from gnl_core.runs.scoring import Run
from gnl_core.runs.trays import Tray

TRAINING_IMAGES = 8  # that the images of the new domain are compared with


def list_tray(folder: Path, *, known_normal: bool) -> tuple[Tray, list[str]]:
    """List the images directly in a folder as a tray, leaving out those that cannot be read.

    Args:
        folder: The folder; subfolders are not read.
        known_normal: Whether all images are known to be normal.

    Returns:
        The tray, and a sentence on each image that cannot be read.

    Raises:
        ValueError: If the folder cannot be listed or has no image, or none can be read.
    """
    paths = list_images(folder, root=folder)
    if not paths:
        raise ValueError(f"there are no images directly in {folder}; pass a folder of images of the new domain")
    items = [image_item(path, base=folder, label=UNLABELLED, domain="", category="") for path in paths]
    readable, problems = leave_out_broken(items)
    return Tray(readable, known_normal), problems


def digest_item(item: Item) -> str:
    """Compute the SHA-256 of an image's size and pixels, in hexadecimal: equal images have equal digests."""
    return pixel_digest(item.read()).hex()


def digest_tray(tray: Tray) -> str:
    """Compute the SHA-256 of the pixels of a tray's images, in hexadecimal, whatever their names and order."""
    return hashlib.sha256("".join(sorted(digest_item(item) for item in tray.items)).encode()).hexdigest()


def without_digests(items: Sequence[Item], digests: Collection[str], *, workers: int = 0) -> list[Item]:
    """Return the images whose digests are not among the given ones, which takes one reading of all images."""
    found = prefetch(digest_item, items, workers=workers)
    return [item for item, digest in zip(items, found, strict=True) if digest not in digests]


def load_tray(items: Sequence[Item], config: RunConfig) -> Tensor:
    """Load images, or their tiles, as a run's detector reads them, RGB in [0, 1], shape (n, 3, H, W)."""
    return torch.cat([batch.views["original"] for batch in tray_batches(items, config)])


def load_to_adapt(items: Sequence[Item], config: RunConfig) -> Tensor:
    """Load images to adapt to, as `load_tray` does.

    Raises:
        ValueError: If the run scores tiles, or an image has a border, which would count as a part of the domain.
    """
    if config.tile_size is not None:
        raise ValueError(
            "adapting reads whole images, and this run scores them in tiles; adapt a run trained without --tile-size"
        )
    batches = list(tray_batches(items, config))
    if any(batch.content is not None for batch in batches):
        raise ValueError(
            "adapting counts every pixel, and --resize letterbox adds a border to these images; adapt a run trained "
            "with --resize crop or stretch, or at an --image-size of the images' aspect ratio"
        )
    return torch.cat([batch.views["original"] for batch in batches])


def tray_batches(items: Sequence[Item], config: RunConfig) -> Batches:
    """Batch the images of a tray, or their tiles, all in one."""
    read = cut_items(items, config)
    return Batches(read, image_size=config.input_size, resize=config.resize, batch_size=len(read))


def load_training(run: Run) -> Tensor | None:
    """Load up to eight of a run's normal training images, held-out ones if there are any.

    Returns:
        RGB in [0, 1], shape (n, 3, H, W); None where they are not at hand.
    """
    try:
        learnt, held_out = split_training(run.config)
        items = readable_items(run.config, held_out or learnt)
        chosen = items[:: max(1, len(items) // TRAINING_IMAGES)][:TRAINING_IMAGES]
        return load_tray(chosen, run.config)
    except ValueError:  # a run can be adapted on a machine without them
        return None
