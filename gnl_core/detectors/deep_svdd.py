"""Deep SVDD: deep support vector data description (Ruff et al., ICML 2018)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.models.svdd_encoder import OUTPUTS, SvddEncoder, measuring_statistics
from gnl_core.records import Batch, Detection

SMALLEST_COORDINATE = 0.1  # a centre at zero could be met by weights that are all zero
WEIGHT_DECAY = 1e-6  # the paper's lambda
WARM_UP_SHARE = 1 / 15  # the published code leaves the radius at 0 for 10 of 150 epochs


class DeepSVDD(Detector):
    """Images become points, training pulls the normal ones to a fixed centre; what lies far out is anomalous.

    It has no teacher and no anomaly map.
    """

    learning_rate = 1e-4  # the paper's

    centre: Tensor
    radius: Tensor

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.encoder = SvddEncoder()
        self.soft_boundary = config.svdd_objective == "soft_boundary"
        self.outside_share = config.svdd_outside_share
        self.register_buffer("centre", torch.zeros(OUTPUTS))
        self.register_buffer("radius", torch.zeros(()))

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> None:
        """Fix the centre: the mean of the untrained encoder's points of the training images."""
        with measuring_statistics(self.encoder):
            points = torch.cat([self.encoder(batch.views["original"]) for batch in batches])
        self.centre.copy_(keep_from_zero(points.mean(dim=0)))

    def distances(self, images: Tensor) -> Tensor:
        """Squared distance of each image's point from the centre, shape (B,)."""
        return (self.encoder(images) - self.centre).square().sum(dim=1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The one-class objective (Eq. 4) or the soft-boundary one (Eq. 3); their last term is the weight decay."""
        distances = self.distances(batch.views["original"])
        if not self.soft_boundary:
            return {"distance": distances.mean()}
        outside = (distances - self.radius.square()).clamp_min(0).mean()
        return {"radius": self.radius.square(), "outside": outside / self.outside_share}

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """Adam with its usual momentum and the paper's weight decay."""
        return [Adam(self.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)]

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """One step of descent; then, for the soft boundary and after a warm-up, the batch's radius."""
        terms = super().training_step(batch, optimizers, progress=progress)
        if self.soft_boundary and progress >= WARM_UP_SHARE:
            with torch.no_grad():
                distances = self.distances(batch.views["original"])
            self.radius.copy_(enclosing_radius(distances, outside_share=self.outside_share))
        return terms

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the squared distance from the centre, less the squared radius (Eq. 5)."""
        return Detection(score=self.distances(images) - self.radius.square(), anomaly_map=None)


def keep_from_zero(centre: Tensor) -> Tensor:
    """Push coordinates that are nearer to 0 than 0.1 out to 0.1, on the side where they are; 0 itself to 0.1."""
    pushed = torch.where(centre < 0, -SMALLEST_COORDINATE, SMALLEST_COORDINATE)
    return torch.where(centre.abs() < SMALLEST_COORDINATE, pushed, centre)


def enclosing_radius(squared_distances: Tensor, *, outside_share: float) -> Tensor:
    """The radius that leaves a share of the points outside: a quantile of their distances.

    Args:
        squared_distances: Shape (B,).
        outside_share: The paper's nu, in (0, 1].
    """
    return squared_distances.sqrt().quantile(1 - outside_share)
