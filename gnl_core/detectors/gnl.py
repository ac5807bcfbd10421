"""GNL: generalized normality learning (Cao, Zhu & Pang, ICCV 2023)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor

from gnl_core.config import MethodSettings, RunConfig
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.losses import distillation_loss, invariance_loss
from gnl_core.records import Batch


class GNLSettings(MethodSettings):
    """The views that training makes agree, and the weights of the three loss terms."""

    trained_views: Literal["augmix,grayscale", "augmix", "grayscale"] = Field(
        "augmix,grayscale", description="Augmented views that training makes agree with the original"
    )
    distillation_weight: float = Field(0.9, ge=0, description="Weight of the distillation term")
    bottleneck_weight: float = Field(0.1, ge=0, description="Weight of the bottleneck invariance term")
    low_level_weight: float = Field(0.1, ge=0, description="Weight of the low-level invariance term")


class GNL(RD4AD):
    """Reverse distillation trained so that augmented views agree in the embedding and in the low-level student map.

    By default, scoring matches its features to the training style.
    """

    settings_type = GNLSettings
    style_weight = 0.5  # the published code's strength

    def __init__(self, config: RunConfig) -> None:
        settings = config.method_settings(GNLSettings)
        super().__init__(config, encoded_views=("original", *settings.trained_views.split(",")))
        self.settings = settings

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute distillation on the original, and invariance of the views to it (Algorithm 1, lines 2-19).

        Each view passes through bottleneck and student separately, so BatchNorm sees one view at a time.
        """
        original = self.reconstruct(batch, "original")
        augmented = [self.reconstruct(batch, view) for view in self.views if view != "original"]
        distillation = distillation_loss(original.teacher, original.student)
        bottleneck = invariance_loss(original.embedding, [view.embedding for view in augmented])
        low_level = invariance_loss(original.student[0], [view.student[0] for view in augmented])
        return {
            "distillation": self.settings.distillation_weight * distillation,
            "bottleneck": self.settings.bottleneck_weight * bottleneck,
            "low_level": self.settings.low_level_weight * low_level,
        }
