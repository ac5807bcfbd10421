"""Load items as batches: images are decoded and resized once, and views are made ahead of time in each epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from gnl_core.config.values import Resize
from gnl_core.datasets.base import ALL_OPERATIONS, Item
from gnl_core.datasets.fitting import Fitted, content_of, fit_image, fit_mask
from gnl_core.datasets.prefetching import prefetch
from gnl_core.datasets.views import make_view
from gnl_core.records import Batch, Tiling

T = TypeVar("T")
MIB = 2**20


class DecodedImages:
    """The images of items at one size: the first ones are decoded once, up to the budget, the rest each time.

    The choice of cached images does not depend on the order of reading. Several threads may read at the same time as
    long as they read different images.
    """

    def __init__(
        self, items: Sequence[Item], *, image_size: tuple[int, int], resize: Resize, budget_bytes: int
    ) -> None:
        self._items = items
        self._image_size = image_size
        self._resize = resize
        self._kept_count = budget_bytes // (3 * math.prod(image_size))
        self._kept: dict[int, Fitted] = {}

    def read(self, position: int) -> Fitted:
        """Read an item's image at the image size."""
        if position in self._kept:
            return self._kept[position]
        image = fit_image(self._items[position].read(), self._image_size, self._resize)
        if position < self._kept_count:
            self._kept[position] = image
        return image


@dataclass(eq=False)
class Batches:
    """A list of items as batches: iterate for one pass in order, or use `epoch` for a shuffled one.

    The contents of a batch depend only on the items, the settings and the epoch, not on the number of workers.

    Attributes:
        items: The items to load.
        image_size: Height and width in pixels to which every image is resized.
        resize: How images of another shape are fitted into them.
        tiling: The tiles in which images are scored; None if they are scored whole.
        batch_size: Images per batch; the last batch has the remaining images.
        views: Names of the views in each batch.
        augmix_operations: Operations from which the view "augmix" draws.
        seed: Determines the order of each epoch and the random draws of the views.
        workers: Threads that make batches ahead of time, one batch each; 0 makes each batch on demand.
        cache_mb: Memory for decoded images, MiB; images beyond it are decoded each time.
        decoded: The decoded images; created here, not passed.

    Raises:
        ValueError: If there are no items.
    """

    items: Sequence[Item]
    _: KW_ONLY
    image_size: tuple[int, int]
    batch_size: int
    resize: Resize = "stretch"
    tiling: Tiling | None = None
    views: Sequence[str] = ("original",)
    augmix_operations: Sequence[str] = ALL_OPERATIONS
    seed: int = 0
    workers: int = 0
    cache_mb: int = 1024
    decoded: DecodedImages = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("there are no images to load; check the data set's folder and the class")
        budget = self.cache_mb * MIB
        self.decoded = DecodedImages(self.items, image_size=self.image_size, resize=self.resize, budget_bytes=budget)

    def __len__(self) -> int:
        """Return the number of batches in one pass."""
        return len(chunk(range(len(self.items)), self.batch_size))

    def __iter__(self) -> Iterator[Batch]:
        """Yield every image once, in the order of the items, with masks if any item has one."""
        pieces = chunk(range(len(self.items)), self.batch_size)
        return prefetch(self.make_masked_batch, pieces, workers=self.workers)

    def epoch(self, number: int, *, rank: int = 0, size: int = 1, start: int = 0) -> Iterator[Batch]:
        """Yield every image once, in an order that depends on seed and epoch, without decoding masks.

        A single remaining image joins the previous batch, since BatchNorm cannot learn from one image.

        Args:
            number: Number of the epoch, from 1.
            rank: Index of this process; each process gets its share of every batch.
            size: Number of processes.
            start: Number of batches to skip at the beginning of the epoch.
        """
        order = np.random.default_rng([self.seed, number]).permutation(len(self.items)).tolist()
        pieces = [share(piece, rank=rank, size=size) for piece in chunk(order, self.batch_size)[start:]]
        return prefetch(partial(self.make_batch, number), pieces, workers=self.workers)

    def make_masked_batch(self, positions: Sequence[int]) -> Batch:
        """Load the items at some positions, with masks if any item has one."""
        batch = self.make_batch(0, positions)
        if all(item.mask is None for item in self.items):
            return batch
        masks = [item_mask(self.items[position], self.image_size, self.resize) for position in positions]
        return replace(batch, masks=torch.stack(masks))

    def make_batch(self, epoch: int, positions: Sequence[int]) -> Batch:
        """Load the items at some positions as a batch without masks."""
        items = [self.items[position] for position in positions]
        images = [self.decoded.read(position) for position in positions]
        rows = [
            self.make_views(epoch, position, image.pixels) for position, image in zip(positions, images, strict=True)
        ]
        return Batch(
            views={name: stack([row[name] for row in rows]) for name in self.views},
            labels=torch.tensor([item.label for item in items]),
            domains=tuple(item.domain for item in items),
            categories=tuple(item.category for item in items),
            paths=tuple(item.path for item in items),
            content=content_of([image.placement for image in images]),
            tiling=self.tiling,
        )

    def make_views(self, epoch: int, position: int, pixels: Tensor) -> dict[str, Tensor]:
        """Make the views of an image, uint8 (3, H, W); seed, epoch and position determine their random draws."""
        image = pixels.float().div_(255)
        return {
            name: make_view(
                name,
                image,
                generator=np.random.default_rng([self.seed, epoch, position]),
                operations=self.augmix_operations,
            )
            for name in self.views
        }


def chunk(draws: Sequence[T], size: int) -> list[list[T]]:
    """Cut into pieces of equal size; the last has the remainder, and a single draw joins the previous piece."""
    pieces = [list(draws[start : start + size]) for start in range(0, len(draws), size)]
    if len(pieces) > 1 and len(pieces[-1]) == 1 and size > 1:
        leftover = pieces.pop()
        pieces[-1] += leftover
    return pieces


def stack(images: Sequence[Tensor]) -> Tensor:
    """Stack images, shape (B, 3, H, W); a single one, which may be large, is not copied."""
    return images[0][None] if len(images) == 1 else torch.stack(list(images))


def share(draws: list[T], *, rank: int, size: int) -> list[T]:
    """Return a process's part of a batch; parts have equal length, so the mean of their gradients is the batch's.

    A batch that does not divide evenly wraps around, so that some images count twice. No part of a larger
    batch is a single image, from which BatchNorm cannot learn.
    """
    if size == 1:
        return draws
    count = max(2, math.ceil(len(draws) / size))
    return [draws[(rank * count + index) % len(draws)] for index in range(count)]


def item_mask(item: Item, size: tuple[int, int], resize: Resize) -> Tensor:
    """Load an item's mask at a size (height, width), shape (1, *size); all zero without a mask."""
    return torch.zeros(1, *size) if item.mask is None else fit_mask(item.mask(), size, resize)
