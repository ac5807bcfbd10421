"""Deep nearest neighbours, DN2 (Bergman, Cohen & Hoshen, 2020): a baseline without training."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from gnl_core.config import MethodSettings, RunConfig, ScoringConfig
from gnl_core.detectors.bank import BankDetector
from gnl_core.detectors.base import load_teacher, pool
from gnl_core.detectors.references import References, pass_originals
from gnl_core.neighbours import neighbours
from gnl_core.records import Batch, Detection


class KNNSettings(MethodSettings):
    """The number of neighbours."""

    neighbours: int = Field(
        2, ge=1, le=10**6, description="Number of nearest training images whose distances are averaged"
    )


class NearestNeighbours(BankDetector):
    """Score an image by its distance to the nearest training images, in the teacher's pooled features.

    It has no anomaly map. With matching, the test image's features are matched on their way through the
    teacher; the training images' features stay unmatched.
    """

    settings_type = KNNSettings
    gives_maps = False

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.settings = config.method_settings(KNNSettings)
        self.teacher = load_teacher(config)
        self.references = References(self.teacher, config)
        self.matches = self.references.can_match
        self.register_buffer("bank", torch.zeros(0, self.teacher.channels[-1]))

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Store one feature per training image, and the references."""
        rows: list[Tensor] = []
        originals = pass_originals(batches, look=lambda images: rows.append(pool(self.teacher(images))))
        self.references.fill(self.teacher, originals)
        self.bank = torch.cat(rows)

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the mean distance to the nearest training images."""
        distances, _ = neighbours(self.bank_rows(images, scoring), self.bank, count=self.settings.neighbours)
        return Detection(score=distances.mean(dim=1), anomaly_map=None)

    def bank_rows(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Compute each image's feature, shape (B, C)."""
        return self.embed(images, scoring)
