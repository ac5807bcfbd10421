"""Trays: a few images of a new domain that a detector is adapted from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.duplicates import pixel_digest
from gnl_core.datasets.layout import image_item
from gnl_core.datasets.listing import list_images
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.prefetching import prefetch
from gnl_core.runs.images import split_training
from gnl_core.runs.scoring import Run

LARGEST_SHARE_DRAWN = 0.5  # of a domain's normal images; the others are left to be scored
USUAL_ANOMALY_PERCENT = 10.0
TRAINING_IMAGES = 8  # that the images of the new domain are compared with


class Tray(NamedTuple):
    """Images that a detector is adapted from.

    Attributes:
        items: The images.
        known_normal: Whether all of them are known to be normal.
    """

    items: list[Item]
    known_normal: bool


def draw_tray(
    items: Sequence[Item],
    *,
    count: int,
    seed: int,
    known_normal: bool = False,
    anomaly_percent: float = USUAL_ANOMALY_PERCENT,
) -> Tray:
    """Draw a tray from a labelled domain, to measure what adapting to it brings.

    Labels only decide how the tray is composed, as a line that mostly runs well would; the adaptation does not see
    them. Whoever scores the domain then leaves these images out.

    Args:
        items: The domain's images.
        count: Number of images to draw.
        seed: Decides the draw.
        known_normal: Draw normal images alone, and say so.
        anomaly_percent: Share of anomalies in a tray that is not known to be normal, in [0, 100).

    Raises:
        ValueError: If no image is requested, the share is out of range, or there are not enough images of a kind to
            draw from and to score.
    """
    if count < 1:
        raise ValueError(f"a tray needs at least one image, got {count}")
    if not 0 <= anomaly_percent < 100:
        raise ValueError(
            f"the share of anomalies in a tray must be at least 0 and below 100 %, got {anomaly_percent:g}"
        )
    labels = np.array([item.label for item in items])
    n_anomalous = 0 if known_normal else round(count * anomaly_percent / 100)
    generator = np.random.default_rng(seed)
    normal = draw(np.flatnonzero(labels == 0), count - n_anomalous, generator, kind="normal")
    anomalous = draw(np.flatnonzero(labels == 1), n_anomalous, generator, kind="anomalous")
    return Tray([items[position] for position in sorted((*normal, *anomalous))], known_normal)


def draw(positions: NDArray[np.intp], count: int, generator: np.random.Generator, *, kind: str) -> list[int]:
    """Draw positions without replacement, at most half of them.

    Raises:
        ValueError: If that is not enough.
    """
    most = int(len(positions) * LARGEST_SHARE_DRAWN)
    if count > most:
        raise ValueError(
            f"a tray with {count} {kind} images is requested, but the domain has {len(positions)}, half of which are "
            f"left to be scored; draw at most {most}"
        )
    return [int(position) for position in generator.permutation(positions)[:count]]


def without(items: Sequence[Item], tray: Tray) -> list[Item]:
    """Return the images that are not in a tray, by their paths: what an adaptation has seen is not scored."""
    seen = {item.path for item in tray.items}
    return [item for item in items if item.path not in seen]


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


def without_digests(items: Sequence[Item], digests: Collection[str], *, workers: int = 0) -> list[Item]:
    """Return the images whose digests are not among the given ones, which takes one reading of all images."""
    found = prefetch(digest_item, items, workers=workers)
    return [item for item, digest in zip(items, found, strict=True) if digest not in digests]


def load_tray(items: Sequence[Item], *, image_size: tuple[int, int]) -> Tensor:
    """Load images at a detector's size, RGB in [0, 1], shape (n, 3, H, W)."""
    batches = Batches(items, image_size=image_size, batch_size=len(items))
    return torch.cat([batch.views["original"] for batch in batches])


def load_training(run: Run) -> Tensor | None:
    """Load up to eight of a run's normal training images, held-out ones if there are any.

    Returns:
        RGB in [0, 1], shape (n, 3, H, W); None where they are not at hand.
    """
    try:
        learnt, held_out = split_training(run.config)
        items = held_out or learnt
        chosen = items[:: max(1, len(items) // TRAINING_IMAGES)][:TRAINING_IMAGES]
        return load_tray(chosen, image_size=run.config.image_size)
    except ValueError:  # a run can be adapted on a machine without them
        return None
