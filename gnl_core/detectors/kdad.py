"""KDAD: multiresolution knowledge distillation for anomaly detection (Salehi et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam, Optimizer

from gnl_core.anomaly_map import smooth
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector, load_teacher
from gnl_core.detectors.references import References
from gnl_core.losses import direction_distance, value_distance
from gnl_core.models.bottleneck import map_size, resize
from gnl_core.models.feature_cache import FeatureCache
from gnl_core.models.small_student import SmallStudent
from gnl_core.records import Batch, Detection

MIB = 2**20
OPENING_PX = 3  # side of the square of the morphological opening, which removes smaller regions


class KDAD(Detector):
    """A small student that imitates the teacher's stage maps of normal images; where it fails, the image is anomalous.

    The score is the loss itself, and the map is the loss's gradient with respect to the image.

    Attributes:
        direction_weight: The paper's lambda: the untrained student's value term divided by its direction term,
            on the training images.
    """

    learning_rate = 0.001  # the paper's
    matches = True

    direction_weight: Tensor

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.teacher = load_teacher(config)
        self.student = SmallStudent(self.teacher)
        self.cache = FeatureCache(
            self.teacher, budget_bytes=config.feature_cache_mb * MIB, spill_bytes=config.feature_spill_mb * MIB
        )
        self.references = References(self.teacher, config)
        self.matches = self.references.can_match
        self.register_buffer("direction_weight", torch.ones(()))

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> None:
        """Compute the direction term's weight and draw the references, in one pass over the training images."""
        errors: list[Tensor] = []
        self.references.fill(self.teacher, self.measure_errors(batches, errors))
        value, direction = torch.cat(errors, dim=1).mean(dim=1)
        self.direction_weight.copy_(value / direction)

    def measure_errors(self, batches: Iterable[Batch], errors: list[Tensor]) -> Iterator[Tensor]:
        """Cache the teacher's maps, append each batch's two distances to a list, and yield each image."""
        for batch in batches:
            images = batch.views["original"]
            self.cache.add("original", batch.paths, images)
            teacher = self.cache.encode("original", batch.paths, images)
            errors.append(torch.stack(self.distances(teacher, images)))
            yield from images

    def distances(self, teacher: Sequence[Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute value and direction distance of the teacher's and the student's maps, shape (B,) each."""
        student = [resize(m, map_size(t)) for m, t in zip(self.student(images), teacher, strict=True)]
        return value_distance(teacher, student), direction_distance(teacher, student)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute both distances, averaged over the batch; the direction term is weighted."""
        images = batch.views["original"]
        value, direction = self.distances(self.cache.encode("original", batch.paths, images), images)
        return {"value": value.mean(), "direction": self.direction_weight * direction.mean()}

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """Create Adam with its default momentum for the student."""
        return [Adam(self.student.parameters(), lr=learning_rate)]

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score each image by its total loss and localise by the gradient of the loss.

        Only the teacher's features are matched to the references; the student sees the unchanged image.
        """
        with torch.inference_mode(False), torch.enable_grad():
            matching = self.references.matching(scoring, own_weight=self.style_weight)
            pixels = images.clone().requires_grad_()
            value, direction = self.distances(self.teacher(pixels, matching), pixels)
            score = value + self.direction_weight * direction
            (gradient,) = torch.autograd.grad(score.sum(), pixels)
        return Detection(score=score.detach(), anomaly_map=gradient_map(gradient, sigma_px=scoring.smoothing_sigma_px))


def gradient_map(gradient: Tensor, *, sigma_px: float) -> Tensor:
    """Turn the loss's gradient into an anomaly map: magnitude, Gaussian smoothing and opening, as in KDAD.

    Args:
        gradient: Gradient with respect to the image, shape (B, 3, H, W).
        sigma_px: Standard deviation of the Gaussian in pixels.

    Returns:
        Non-negative map, shape (B, 1, H, W).
    """
    magnitude = gradient.abs().amax(dim=1, keepdim=True)
    return open_map(smooth(magnitude, sigma_px=sigma_px))


def open_map(anomaly_map: Tensor) -> Tensor:
    """Apply grey-scale morphological opening: regions below 3x3 pixels vanish, larger ones keep their size."""
    eroded = -F.max_pool2d(-anomaly_map, OPENING_PX, stride=1, padding=OPENING_PX // 2)
    return F.max_pool2d(eroded, OPENING_PX, stride=1, padding=OPENING_PX // 2)
