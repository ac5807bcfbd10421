"""From items to batches: decoded and resized once an image, views made afresh each epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gnl_core.datasets.base import Image, Item, Mask
from gnl_core.datasets.views import make_view
from gnl_core.records import Batch

Draw = tuple[int, int]  # epoch and position of an image: what its random view depends on
Row = tuple[Item, dict[str, Tensor], Tensor | None]
DECODED_BUDGET_BYTES = 2**30


class ImageViews(Dataset[Row]):
    """Items at one size, as views. The same epoch and position give the same views in any process."""

    def __init__(self, items: Sequence[Item], *, image_size: tuple[int, int], views: Sequence[str], seed: int) -> None:
        self.items = items
        self.image_size = image_size
        self.views = views
        self.seed = seed
        self.has_masks = any(item.mask is not None for item in items)
        self._decoded: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, draw: Draw) -> Row:
        epoch, position = draw
        image = self.image(position).float() / 255
        views = {
            name: make_view(name, image, generator=np.random.default_rng([self.seed, epoch, position]))
            for name in self.views
        }
        return self.items[position], views, self.mask(position)

    def image(self, position: int) -> Tensor:
        """The resized image, uint8, shape (3, H, W); kept in memory within the budget."""
        if position in self._decoded:
            return self._decoded[position]
        image = resize_image(self.items[position].read(), self.image_size)
        if (len(self._decoded) + 1) * image.nbytes <= DECODED_BUDGET_BYTES:
            self._decoded[position] = image
        return image

    def mask(self, position: int) -> Tensor | None:
        """The resized mask, shape (1, H, W), all zero where nothing is marked; None in a set without masks."""
        if not self.has_masks:
            return None
        marked = self.items[position].mask
        return torch.zeros(1, *self.image_size) if marked is None else resize_mask(marked(), self.image_size)


class Batches:
    """A list of items as batches: iterate for one pass in order, or ask for a shuffled epoch.

    Args:
        items: What to load.
        image_size: Height and width in pixels that every image is brought to.
        batch_size: Images a batch; the last one has what is left.
        views: What each batch's `views` holds.
        seed: Decides the order of the epochs and what is random in the views.

    Raises:
        ValueError: If there are no items.
    """

    def __init__(
        self,
        items: Sequence[Item],
        *,
        image_size: tuple[int, int],
        batch_size: int,
        views: Sequence[str] = ("original",),
        seed: int = 0,
    ) -> None:
        if not items:
            raise ValueError("there are no images to load; check the data set's folder and the class")
        self.dataset = ImageViews(items, image_size=image_size, views=views, seed=seed)
        self.batch_size = batch_size
        self.seed = seed

    def __len__(self) -> int:
        """Number of batches in one pass."""
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Every image once, in the order of the items."""
        return self._load(epoch=0, order=range(len(self.dataset)))

    def epoch(self, number: int, *, rank: int = 0, size: int = 1) -> Iterator[Batch]:
        """Every image once, in an order that seed and epoch decide.

        A single image left over joins the batch before it: BatchNorm cannot learn from one.

        Args:
            number: Number of the epoch, from 1.
            rank: Which of several processes asks; each gets its share of every batch.
            size: How many processes there are.
        """
        order = np.random.default_rng([self.seed, number]).permutation(len(self.dataset)).tolist()
        return self._load(epoch=number, order=order, rank=rank, size=size)

    def _load(self, *, epoch: int, order: Sequence[int], rank: int = 0, size: int = 1) -> Iterator[Batch]:
        draws = [(epoch, position) for position in order]
        pieces = [share(piece, rank=rank, size=size) for piece in chunk(draws, self.batch_size)]
        return iter(DataLoader(self.dataset, batch_sampler=pieces, collate_fn=collate))


def chunk(draws: Sequence[Draw], size: int) -> list[list[Draw]]:
    """Cut into pieces of one size; the last has what is left, and a single draw joins the piece before it."""
    pieces = [list(draws[start : start + size]) for start in range(0, len(draws), size)]
    if len(pieces) > 1 and len(pieces[-1]) == 1 and size > 1:
        leftover = pieces.pop()
        pieces[-1] += leftover
    return pieces


def share(draws: list[Draw], *, rank: int, size: int) -> list[Draw]:
    """One process's part of a batch; all parts are equally long, so that the mean of their gradients is the batch's.

    A batch that does not divide goes on from its start: some images then count twice. No part of a larger
    batch is a single image, from which BatchNorm cannot learn.
    """
    if size == 1:
        return draws
    count = max(2, math.ceil(len(draws) / size))
    return [draws[(rank * count + index) % len(draws)] for index in range(count)]


def collate(rows: Sequence[Row]) -> Batch:
    """Stack rows into a batch."""
    items = [item for item, _, _ in rows]
    masks = [mask for _, _, mask in rows if mask is not None]
    return Batch(
        views={name: torch.stack([views[name] for _, views, _ in rows]) for name in rows[0][1]},
        labels=torch.tensor([item.label for item in items]),
        domains=tuple(item.domain for item in items),
        categories=tuple(item.category for item in items),
        paths=tuple(item.path for item in items),
        masks=torch.stack(masks) if masks else None,
    )


def resize_image(image: Image, size: tuple[int, int]) -> Tensor:
    """Bring an RGB image (H, W, 3) to a size (height, width) bilinearly; uint8, shape (3, *size)."""
    height, width = size
    resized = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()


def resize_mask(mask: Mask, size: tuple[int, int]) -> Tensor:
    """Bring a mask (H, W) to a size (height, width) by the nearest pixel; 0 and 1, shape (1, *size)."""
    height, width = size
    resized = PIL.Image.fromarray(mask).resize((width, height), PIL.Image.Resampling.NEAREST)
    return torch.from_numpy(np.array(resized)).float()[None]
