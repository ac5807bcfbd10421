"""RD4AD with a jigsaw puzzle as a second task, after JiGen (Carlucci et al., CVPR 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gnl_core.config import MethodSettings, RunConfig
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.jigsaw import distant_orders, shuffle_tiles
from gnl_core.records import Batch

GRID = 3  # tiles per side, as in JiGen


class JigsawSettings(MethodSettings):
    """The puzzles, and the weight of solving them."""

    jigsaw_weight: float = Field(0.7, ge=0, description="Weight of the puzzle's loss term")
    jigsaw_permutations: int = Field(
        30, ge=1, le=1000, description="Number of orders of the tiles, besides the unshuffled one"
    )
    jigsaw_shuffled_percent: float = Field(
        40.0, ge=0, le=100, description="Share of the puzzles whose tiles are shuffled, percent"
    )


class RD4ADJigsaw(RD4AD):
    """Reverse distillation whose embedding must also reveal the order of an image's tiles.

    The head that classifies the order is trained together with the student and not used in scoring.
    """

    settings_type = JigsawSettings

    def __init__(self, config: RunConfig) -> None:
        super().__init__(config)
        self.settings = config.method_settings(JigsawSettings)
        embedding_channels = 2 * self.network.teacher.channels[-1]
        self.head = nn.Linear(embedding_channels, self.settings.jigsaw_permutations + 1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute distillation on the images, and cross-entropy of the orders in a separate pass (JiGen, Eq. 1)."""
        images = batch.views["original"]
        labels = self.draw_orders(len(images)).to(images.device)
        puzzles = shuffle_tiles(images, distant_orders(GRID, count=self.settings.jigsaw_permutations)[labels.cpu()])
        embedding = self.network.bottleneck(self.network.teacher(puzzles))
        logits = self.head(embedding.mean(dim=(2, 3)))
        return super().losses(batch) | {"jigsaw": self.settings.jigsaw_weight * F.cross_entropy(logits, labels)}

    def draw_orders(self, count: int) -> Tensor:
        """Draw the index of each image's order, shape (count,); 0 leaves the tiles in place."""
        shuffled = torch.rand(count) < self.settings.jigsaw_shuffled_percent / 100
        return shuffled * torch.randint(1, self.settings.jigsaw_permutations + 1, (count,))
