"""Deep SVDD: deep support vector data description (Ruff et al., ICML 2018)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import Adam, Optimizer

from gnl_core.config import MethodSettings, RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.models.svdd_encoder import OUTPUTS, SvddEncoder, measuring_statistics
from gnl_core.records import Batch, Detection

SMALLEST_COORDINATE = 0.1  # weights that are all zero would reach a centre at zero
WEIGHT_DECAY = 1e-6  # the paper's lambda
WARM_UP_SHARE = 1 / 15  # the published code leaves the radius at 0 for 10 of 150 epochs


class DeepSVDDSettings(MethodSettings):
    """The objective, and how many images it may leave outside."""

    svdd_objective: Literal["one_class", "soft_boundary"] = Field(
        "one_class", description="What training minimises: all distances, or a radius and the distances beyond it"
    )
    svdd_outside_share: float = Field(
        0.1, gt=0, le=1, description="Share of training images that the soft boundary leaves outside"
    )


class DeepSVDD(Detector):
    """An encoder that maps normal images close to a fixed centre; images far from the centre are anomalous.

    It has no teacher and no anomaly map.
    """

    settings_type = DeepSVDDSettings
    gives_maps = False
    learning_rate = 1e-4  # the paper's

    centre: Tensor
    radius: Tensor

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.encoder = SvddEncoder()
        settings = config.method_settings(DeepSVDDSettings)
        self.soft_boundary = settings.svdd_objective == "soft_boundary"
        self.outside_share = settings.svdd_outside_share
        self.register_buffer("centre", torch.zeros(OUTPUTS))
        self.register_buffer("radius", torch.zeros(()))

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> None:
        """Set the centre to the mean of the points to which the untrained encoder maps the training images."""
        with measuring_statistics(self.encoder):
            points = torch.cat([self.encoder(batch.views["original"]) for batch in batches])
        self.centre.copy_(keep_from_zero(points.mean(dim=0)))

    def distances(self, images: Tensor) -> Tensor:
        """Compute the squared distance of each image's point from the centre, shape (B,)."""
        return (self.encoder(images) - self.centre).square().sum(dim=1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the one-class (Eq. 4) or soft-boundary objective (Eq. 3); the optimizer adds weight decay."""
        distances = self.distances(batch.views["original"])
        if not self.soft_boundary:
            return {"distance": distances.mean()}
        outside = (distances - self.radius.square()).clamp_min(0).mean()
        return {"radius": self.radius.square(), "outside": outside / self.outside_share}

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """Create Adam with its default momentum and the paper's weight decay."""
        return [Adam(self.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)]

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """Take a descent step; with the soft boundary and after a warm-up, set the radius from the batch."""
        terms = super().training_step(batch, optimizers, progress=progress)
        if self.soft_boundary and progress >= WARM_UP_SHARE:
            with torch.no_grad():
                distances = self.distances(batch.views["original"])
            self.radius.copy_(enclosing_radius(distances, outside_share=self.outside_share))
        return terms

    def embed(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Map each image to the encoder's point, shape (B, 128)."""
        return self.encoder(images)

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the squared distance from the centre minus the squared radius (Eq. 5)."""
        return Detection(score=self.distances(images) - self.radius.square(), anomaly_map=None)


def keep_from_zero(centre: Tensor) -> Tensor:
    """Move coordinates of magnitude below 0.1 to 0.1 or -0.1, keeping their sign; 0 becomes 0.1."""
    pushed = torch.where(centre < 0, -SMALLEST_COORDINATE, SMALLEST_COORDINATE)
    return torch.where(centre.abs() < SMALLEST_COORDINATE, pushed, centre)


def enclosing_radius(squared_distances: Tensor, *, outside_share: float) -> Tensor:
    """Compute the radius that leaves a share of the points outside, a quantile of their distances.

    Args:
        squared_distances: Squared distances from the centre, shape (B,).
        outside_share: Share of the points outside, the paper's nu, in (0, 1].
    """
    return squared_distances.sqrt().quantile(1 - outside_share)
