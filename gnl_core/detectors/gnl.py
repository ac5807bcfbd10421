"""GNL: generalized normality learning (Cao, Zhu & Pang, ICCV 2023)."""

from __future__ import annotations

from torch import Tensor

from gnl_core.config import RunConfig
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.losses import distillation_loss, invariance_loss
from gnl_core.records import Batch


class GNL(RD4AD):
    """Reverse distillation trained so that augmented views agree in the embedding and in the low-level student map.

    By default, scoring matches its features to the training style.
    """

    style_weight = 0.5  # the published code's strength

    def __init__(self, config: RunConfig) -> None:
        super().__init__(config, encoded_views=("original", *config.trained_views.split(",")))

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
            "distillation": self.config.distillation_weight * distillation,
            "bottleneck": self.config.bottleneck_weight * bottleneck,
            "low_level": self.config.low_level_weight * low_level,
        }
