"""Teacher maps of views that never change, computed once per image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gnl_core.models.spill_file import Place, SpillFile

Encode = Callable[[Tensor], tuple[Tensor, ...]]


class FeatureCache:
    """Keep the maps of fixed views in memory up to a budget, then in a file; encode images beyond both each time.

    The cache saves time and changes no value: it holds the teacher's maps as computed, in the channels-last layout
    that convolutions prefer.

    Args:
        encode: The teacher.
        budget_bytes: Largest size of the maps in memory.
        spill_bytes: Largest size of the maps in a temporary file.
    """

    def __init__(self, encode: Encode, *, budget_bytes: int, spill_bytes: int) -> None:
        self._encode = encode
        self._free_bytes = budget_bytes
        self._spill = SpillFile(budget_bytes=spill_bytes)
        self._maps: dict[tuple[str, str], list[Tensor] | Place] = {}

    def add(self, view: str, paths: Sequence[str], images: Tensor) -> None:
        """Encode images and keep their maps while the budgets last.

        Args:
            view: Name of the view.
            paths: Identifier of each image, length B.
            images: Shape (B, 3, H, W).
        """
        maps = [stage.cpu().movedim(1, -1) for stage in self._encode(images)]
        for row, path in enumerate(paths):
            kept = self.keep([stage[row] for stage in maps])
            if kept is not None:
                self._maps[view, path] = kept

    def keep(self, maps: list[Tensor]) -> list[Tensor] | Place | None:
        """Keep one image's maps in memory or else in the file; return the maps, their place in the file, or None."""
        size = sum(stage.nbytes for stage in maps)
        if size > self._free_bytes:
            return self._spill.write(maps)
        self._free_bytes -= size
        return [stage.clone() for stage in maps]

    def encode(self, view: str, paths: Sequence[str], images: Tensor) -> tuple[Tensor, ...]:
        """Look up the images' maps; if any is missing, encode the whole batch.

        Args:
            view: Name of the view.
            paths: Identifier of each image, length B.
            images: Shape (B, 3, H, W).

        Returns:
            Stage maps, shapes (B, C_k, H_k, W_k), on the images' device.
        """
        kept = [self._maps.get((view, path)) for path in paths]
        rows = [self._spill.read(maps) if isinstance(maps, Place) else maps for maps in kept]
        cached = [row for row in rows if row is not None]
        if len(cached) < len(rows):
            return self._encode(images)
        return tuple(torch.stack(stage).movedim(-1, 1).to(images.device) for stage in zip(*cached, strict=True))
