"""What methods with a bank of normal features share: images of a new domain can be added to it without training."""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor

from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector


class BankDetector(Detector):
    """A method that scores by the distance to features of normal images, which it keeps in a bank.

    Attributes:
        bank: One feature per row, shape (n, D).
    """

    memories = ("bank",)
    matches = True

    bank: Tensor

    def bank_rows(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Compute what is compared with the bank, matched as when images are scored.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            scoring: Settings of the scoring, of which matching has an effect.

        Returns:
            One or more rows per image, image by image, shape (m, D).
        """
        raise NotImplementedError

    @torch.no_grad()
    def with_images(self, images: Tensor, scoring: ScoringConfig) -> Self:
        """Return this detector with the features of some normal images added to its bank; this one stays as it is.

        Args:
            images: RGB in [0, 1], shape (n, 3, H, W); without images, the bank is the same.
            scoring: How the detector will score.
        """
        twin = copy.copy(self)
        twin.__dict__["_buffers"] = self._buffers.copy()  # else both would have the same bank
        if len(images):
            twin.bank = append_distinct(self.bank, self.bank_rows(images.to(self.device), scoring))
        return twin


def append_distinct(bank: Tensor, rows: Tensor) -> Tensor:
    """Append to a bank those rows that equal no row before them: a copy says nothing about what is rare.

    Args:
        bank: Shape (n, D); all of its rows stay.
        rows: Shape (m, D).

    Returns:
        Shape (at least n, at most n + m; D).
    """
    joined = torch.cat([bank, rows])
    kinds, kind = torch.unique(joined, dim=0, return_inverse=True)
    positions = torch.arange(len(joined), device=joined.device)
    first = positions.new_full((len(kinds),), len(joined)).scatter_reduce(0, kind, positions, "amin")
    return joined[(positions < len(bank)) | (first[kind] == positions)]
