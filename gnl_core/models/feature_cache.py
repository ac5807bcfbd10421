"""Teacher maps of views that never change, computed once an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Encode = Callable[[Tensor], tuple[Tensor, ...]]


class FeatureCache:
    """Keeps the maps of fixed views in memory up to a budget; images beyond it are encoded each time.

    It saves time alone: what is kept are the teacher's maps, as they were computed.
    """

    def __init__(self, encode: Encode, *, budget_bytes: int) -> None:
        self._encode = encode
        self._free_bytes = budget_bytes
        self._maps: dict[tuple[str, str], list[Tensor]] = {}

    def add(self, view: str, paths: Sequence[str], images: Tensor) -> None:
        """Encode images and keep their maps while the budget lasts.

        Args:
            view: Name of the view.
            paths: What identifies each image, length B.
            images: Shape (B, 3, H, W).
        """
        maps = [stage.cpu() for stage in self._encode(images)]
        for row, path in enumerate(paths):
            kept = [stage[row].clone() for stage in maps]
            size = sum(stage.nbytes for stage in kept)
            if size <= self._free_bytes:
                self._free_bytes -= size
                self._maps[view, path] = kept

    def encode(self, view: str, paths: Sequence[str], images: Tensor) -> tuple[Tensor, ...]:
        """Give the images' maps: those kept, or the teacher's if one is missing.

        Args:
            view: Name of the view.
            paths: What identifies each image, length B.
            images: Shape (B, 3, H, W).

        Returns:
            Stage maps, shapes (B, C_k, H_k, W_k), on the images' device.
        """
        rows = [self._maps.get((view, path)) for path in paths]
        kept = [row for row in rows if row is not None]
        if len(kept) < len(rows):
            return self._encode(images)
        return tuple(torch.stack(stage).to(images.device) for stage in zip(*kept, strict=True))
