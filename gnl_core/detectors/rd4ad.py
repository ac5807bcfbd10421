"""RD4AD: anomaly detection via reverse distillation (Deng & Li, CVPR 2022), with matching as an option."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from gnl_core.adaptation.positions import standardise
from gnl_core.anomaly_map import anomaly_map, image_score, smooth
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector, load_teacher
from gnl_core.detectors.references import References
from gnl_core.losses import distillation_loss
from gnl_core.models.bottleneck import map_size
from gnl_core.models.feature_cache import FeatureCache
from gnl_core.models.reverse_distillation import ReverseDistillation
from gnl_core.records import Batch, Detection, Features

FIXED_VIEWS = ("original", "grayscale")
MIB = 2**20


class RD4AD(Detector):
    """A student that rebuilds the teacher's maps from a one-class embedding; an image is anomalous where it fails.

    It is GNL without views. Feature distribution matching is available here too, so that the effect of
    GNL's training can be separated from that of its matching.

    Args:
        config: The run's settings.
        encoded_views: Views of the training images from which the student learns.
    """

    matches = True
    reduces_map = True

    def __init__(self, config: RunConfig, *, encoded_views: tuple[str, ...] = ("original",)) -> None:
        super().__init__()
        teacher = load_teacher(config)
        self.network = ReverseDistillation(teacher)
        self.config = config
        self.encoded_views = encoded_views
        self.views = tuple(dict.fromkeys(("original", *encoded_views)))  # references always need the originals
        self.cache = FeatureCache(
            teacher, budget_bytes=config.feature_cache_mb * MIB, spill_bytes=config.feature_spill_mb * MIB
        )
        self.references = References(teacher, config)
        self.matches = self.references.can_match
        if not self.matches:
            self.style_weight = 0.0

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Cache the teacher's maps of views that never change, and draw the references by seed."""
        self.references.fill(self.network.teacher, self.cache_fixed_views(batches))

    def cache_fixed_views(self, batches: Iterable[Batch]) -> Iterator[Tensor]:
        """Fill the feature cache batch by batch and yield each original image."""
        fixed = set(self.encoded_views) & set(FIXED_VIEWS)
        for batch in batches:
            for view in fixed:
                self.cache.add(view, batch.paths, batch.views[view])
            yield from batch.views["original"]

    def reconstruct(self, batch: Batch, view: str) -> Features:
        """Encode one view of a batch and rebuild it; BatchNorm sees this view alone."""
        return self.network(self.cache.encode(view, batch.paths, batch.views[view]))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the distillation term (RD4AD, Eq. 3), averaged over the views."""
        encoded = [self.reconstruct(batch, view) for view in self.encoded_views]
        terms = [distillation_loss(view.teacher, view.student) for view in encoded]
        return {"distillation": torch.stack(terms).mean()}

    def features(self, images: Tensor, scoring: ScoringConfig) -> Features:
        """Encode and rebuild images, with the teacher's features matched to the references.

        The matched maps serve as the bottleneck's input and as the teacher's side of the comparison.
        """
        matching = self.references.matching(scoring, own_weight=self.style_weight)
        return self.network(self.network.teacher(images, matching))

    def embed(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Average the bottleneck's embedding of each image over its positions, shape (B, 2 * C_3)."""
        return self.features(images, scoring).embedding.float().mean(dim=(2, 3))

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the summed stage maps, by default by their maximum (paper, Eq. 2-3)."""
        return self.detect_from_features(self.features(images, scoring), images, scoring)

    def detect_each(self, images: Tensor, scorings: Sequence[ScoringConfig]) -> list[Detection]:
        """Score as `forward` does for each scoring, up to rounding; stages that scorings share are computed once."""
        split_groups = self.references.group_splitter(scorings, own_weight=self.style_weight)
        queries = tuple(range(len(scorings)))
        encoded = self.network.teacher.encode_each(images, queries, split_groups)
        detections: dict[int, Detection] = {}
        for group, features in self.network.rebuild_each(encoded):
            detections |= {query: self.detect_from_features(features, images, scorings[query]) for query in group}
        return [detections[query] for query in queries]

    def detect_from_features(self, features: Features, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Compute anomaly maps and scores of images from their features and reconstructions."""
        size = map_size(images)
        summed = anomaly_map(
            features.teacher,
            features.student,
            size=size,
            grids=self.network.teacher.cell_grids(size),
            align_corners=scoring.align_corners,
        )
        return self.detect_from_map(summed, scoring)

    def detect_from_map(self, summed: Tensor, scoring: ScoringConfig) -> Detection:
        """Smooth summed stage maps, shape (B, 1, H, W), standardise them if adapted, and reduce them to scores."""
        smoothed = smooth(summed, sigma_px=scoring.smoothing_sigma_px)
        if self.positions is not None:
            smoothed = standardise(smoothed, self.positions.statistics, strength=self.positions.strength)
        score = image_score(smoothed, reduction=scoring.reduction, top_percent=scoring.top_percent)
        return Detection(score=score, anomaly_map=smoothed)
