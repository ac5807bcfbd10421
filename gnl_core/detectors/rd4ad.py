"""RD4AD: anomaly detection via reverse distillation (Deng & Li, CVPR 2022), with matching as an option."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter

import torch
from torch import Tensor

from gnl_core.anomaly_map import anomaly_map, image_score, smooth
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.distribution_matching import match_distribution, sort_features
from gnl_core.losses import distillation_loss
from gnl_core.models.feature_cache import FeatureCache
from gnl_core.models.reverse_distillation import ReverseDistillation
from gnl_core.models.teachers import Mix, Teacher, create_teacher
from gnl_core.records import Batch, Detection, Features

FIXED_VIEWS = ("original", "grayscale")
MATCHED_STAGES = (0, 1)  # after stage 1 and after stage 2, as the paper's published code
MIB = 2**20


class RD4AD(Detector):
    """A student rebuilds the teacher's maps from a one-class embedding; where it fails, the image is anomalous.

    It is GNL without views. Feature distribution matching can be switched on for it too, so that
    GNL's training and its matching can be told apart.
    """

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        teacher = create_teacher(config.teacher, weights=config.teacher_weights, sha256=config.teacher_sha256)
        self.network = ReverseDistillation(teacher)
        self.config = config
        self.cache = FeatureCache(teacher, budget_bytes=config.feature_cache_mb * MIB)
        for index, shape in enumerate(reference_shapes(teacher, config)):
            self.register_buffer(reference_name(index), torch.zeros(shape))

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> None:
        """Keep the teacher's maps of views that never change, and choose the references by seed."""
        images = self.cache_fixed_views(batches)
        references = choose_references(images, count=self.config.stored_references, seed=self.config.seed)
        for index, stage in enumerate(self.network.teacher(references)):
            if index in MATCHED_STAGES:
                self.get_buffer(reference_name(index)).copy_(sort_features(stage))

    def cache_fixed_views(self, batches: Iterable[Batch]) -> Iterator[Tensor]:
        """Fill the feature cache batch by batch and pass each original image on."""
        for batch in batches:
            for view in set(self.views) & set(FIXED_VIEWS):
                self.cache.add(view, batch.paths, batch.views[view])
            yield from batch.views["original"]

    def reconstruct(self, batch: Batch, view: str) -> Features:
        """Encode one view of a batch and rebuild it; BatchNorm sees this view alone."""
        return self.network(self.cache.encode(view, batch.paths, batch.views[view]))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The distillation term alone (RD4AD, Eq. 3)."""
        original = self.reconstruct(batch, "original")
        return {"distillation": distillation_loss(original.teacher, original.student)}

    def features(self, images: Tensor, scoring: ScoringConfig) -> Features:
        """Encode and rebuild images, with the teacher's features matched to the references.

        The matched maps are both the teacher's side of the comparison and the bottleneck's input.
        """
        return self.network(self.network.teacher(images, self.matching(scoring)))

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the maximum of the summed stage maps (paper, Eq. 2-3)."""
        found = self.features(images, scoring)
        height, width = images.shape[-2:]
        summed = anomaly_map(found.teacher, found.student, size=(height, width))
        smoothed = smooth(summed, sigma_px=scoring.smoothing_sigma_px)
        return Detection(score=image_score(smoothed), anomaly_map=smoothed)

    def matching(self, scoring: ScoringConfig) -> Mix:
        """What happens to each stage's map on its way: FDM at the matched stages, nothing at the others.

        Raises:
            ValueError: If more references are asked for than the checkpoint keeps.
        """
        weight = self.style_weight if scoring.style_weight is None else scoring.style_weight
        references = [self.get_buffer(reference_name(index)) for index in MATCHED_STAGES]
        if scoring.reference_count > len(references[0]):
            raise ValueError(
                f"this checkpoint keeps {len(references[0])} references, {scoring.reference_count} were asked for; "
                "ask for fewer, or train with a larger --stored-references"
            )
        means = [reference[: scoring.reference_count].mean(dim=0) for reference in references]

        def mix(index: int, stage: Tensor) -> Tensor:
            return match_distribution(stage, means[index], style_weight=weight) if index in MATCHED_STAGES else stage

        return mix


def reference_name(index: int) -> str:
    """Name of the buffer that holds a stage's sorted reference features."""
    return f"reference_{index + 1}"


@torch.no_grad()
def reference_shapes(teacher: Teacher, config: RunConfig) -> list[tuple[int, int, int]]:
    """Shapes of the sorted reference features of each matched stage: references, channels, positions."""
    maps = teacher(torch.zeros(1, 3, *config.image_size))
    return [(config.stored_references, *maps[index].flatten(2).shape[1:]) for index in MATCHED_STAGES]


def choose_references(images: Iterable[Tensor], *, count: int, seed: int) -> Tensor:
    """Draw images at random without replacement, holding no more than `count` of them at a time.

    Args:
        images: Images of shape (3, H, W).
        count: How many to draw.
        seed: Decides the draw.

    Returns:
        Shape (count, 3, H, W); where there are fewer images than asked for, they repeat.

    Raises:
        ValueError: If there is no image.
    """
    generator = torch.Generator().manual_seed(seed)
    ranked = ((torch.rand((), generator=generator).item(), image) for image in images)
    chosen = [image for _, image in heapq.nsmallest(count, ranked, key=itemgetter(0))]
    if not chosen:
        raise ValueError("there is no training image to take references from")
    return torch.stack([chosen[position % len(chosen)] for position in range(count)])
