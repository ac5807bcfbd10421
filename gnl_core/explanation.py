"""Explain a score of reverse distillation by its stages, matched values and single references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor

from gnl_core.anomaly_map import enlarge_stage_maps, stage_map
from gnl_core.config import ScoringConfig
from gnl_core.config.values import stage_indices
from gnl_core.detectors.base import Detector, pool
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.distribution_matching import match_distribution, sort_features
from gnl_core.losses import cosine_distance
from gnl_core.models.bottleneck import map_size
from gnl_core.models.teachers import Mix
from gnl_core.records import Batch


class Peak(NamedTuple):
    """The pixel where the summed stage maps are largest, and each stage's contribution.

    Attributes:
        row: Row of the pixel.
        column: Column of the pixel.
        parts: Each stage's value at the pixel, shape (S,); their sum is the maximum.
    """

    row: int
    column: int
    parts: Tensor


class StageValues(NamedTuple):
    """One stage's values on their way through the teacher, each channel's in ascending order, shapes (C, N).

    Attributes:
        before: The stage's output, after any matching at earlier stages.
        after: The values that the next stage reads; equal to `before` if this stage is not matched.
        reference: The values after matching at full strength; None for a checkpoint without references.
    """

    before: Tensor
    after: Tensor
    reference: Tensor | None


class Moments(NamedTuple):
    """Location and spread of a stage's values.

    Attributes:
        mean: Mean over all channels and positions.
        deviation: Standard deviation within a channel, averaged over the channels.
    """

    mean: float
    deviation: float


class ViewDistances(NamedTuple):
    """Distances of an altered view from the original, in the features that GNL's two terms compare.

    Attributes:
        embedding: Cosine distance of the embeddings.
        low_level: Cosine distance of the student's low-level maps.
    """

    embedding: float
    low_level: float


def can_explain(detector: Detector) -> TypeGuard[RD4AD]:
    """Whether this module can explain a method's scores: true for reverse distillation and its variants."""
    return isinstance(detector, RD4AD)


@torch.inference_mode()
def stage_maps(detector: RD4AD, image: Tensor, scoring: ScoringConfig, *, counted: Tensor | None = None) -> Tensor:
    """Compute each stage's distances at the image's size; their sum is the anomaly map before smoothing.

    Args:
        detector: A detector in eval mode.
        image: RGB in [0, 1], shape (3, H, W).
        scoring: Settings of the scoring.
        counted: True for the pixels that count, shape (1, 1, H, W); None: all.

    Returns:
        Distances in [0, 2], 0 where pixels do not count, shape (S, H, W), from the low-level stage to the abstract one.
    """
    features = detector.features(image[None], scoring)
    size = map_size(image)
    grids = detector.network.teacher.cell_grids(size)
    maps = [stage_map(e, d) for e, d in zip(features.teacher, features.student, strict=True)]
    enlarged = enlarge_stage_maps(maps, size=size, grids=grids, align_corners=scoring.align_corners)[:, 0, 0]
    return enlarged if counted is None else enlarged.masked_fill(~counted[0].to(enlarged.device), 0)


def find_peak(maps: Tensor) -> Peak:
    """Find the maximum of the summed stage maps (S, H, W) and split it by stage."""
    row, column = divmod(int(maps.sum(dim=0).argmax()), maps.shape[-1])
    return Peak(row, column, maps[:, row, column])


@torch.inference_mode()
def trace_values(detector: RD4AD, image: Tensor, scoring: ScoringConfig) -> list[StageValues]:
    """Record what matching does to the values of every stage.

    Args:
        detector: A detector in eval mode.
        image: RGB in [0, 1], shape (3, H, W).
        scoring: Settings of the scoring.

    Returns:
        The three stages, from the low-level one to the abstract one.

    Raises:
        ValueError: If the scoring needs more references than the checkpoint stores.
    """
    matching = detector.references.matching(scoring, own_weight=detector.style_weight)
    replacing = detector.references.replacing(scoring)
    traced: list[StageValues] = []

    def mix(index: int, stage: Tensor) -> Tensor:
        matched = stage if matching is None else matching(index, stage)
        reference = None if replacing is None else sort_features(replacing(index, stage))[0]
        traced.append(StageValues(sort_features(stage)[0], sort_features(matched)[0], reference))
        return matched

    detector.network.teacher(image[None], mix)
    return traced


def farthest_channel(values: StageValues) -> int:
    """Find the channel that full matching changes most, by the mean change of its values; 0 without references."""
    if values.reference is None:
        return 0
    return int((values.reference - values.before).abs().mean(dim=1).argmax())


def moments_of(values: Tensor) -> Moments:
    """Compute the mean and the standard deviation of a stage's values, shape (C, N)."""
    return Moments(float(values.mean()), float(values.std(dim=1, correction=0).mean()))


@torch.inference_mode()
def encode_references(detector: RD4AD, images: Tensor) -> list[Tensor]:
    """Encode any images as references, in the form of `References.stages`.

    Args:
        detector: A detector in eval mode.
        images: RGB in [0, 1], shape (R, 3, H, W).
    """
    return [sort_features(stage) for stage in detector.network.teacher(images)]


@torch.inference_mode()
def score_input(detector: RD4AD, image: Tensor, scoring: ScoringConfig, *, counted: Tensor | None = None) -> float:
    """Score one image.

    Args:
        detector: A detector in eval mode.
        image: RGB in [0, 1], shape (3, H, W).
        scoring: Settings of the scoring.
        counted: True for the pixels that count, shape (1, 1, H, W); None: all.
    """
    return float(detector.count_only(detector(image[None], scoring), counted, scoring).score)


@torch.inference_mode()
def score_single_references(
    detector: RD4AD,
    image: Tensor,
    scoring: ScoringConfig,
    references: Sequence[Tensor],
    *,
    counted: Tensor | None = None,
) -> Tensor:
    """Score an image with each of several references alone.

    Args:
        detector: A detector in eval mode.
        image: RGB in [0, 1], shape (3, H, W).
        scoring: Settings of the scoring; number and choice of references have no effect.
        references: Each stage's sorted values, shapes (R, C, N).
        counted: True for the pixels that count, shape (1, 1, H, W); None: all.

    Returns:
        One score per reference, shape (R,).
    """
    count = len(references[0])
    if not count:
        return torch.zeros(0)
    images = image.expand(count, -1, -1, -1)
    features = detector.network(detector.network.teacher(images, match_each(detector, scoring, references)))
    return detector.count_only(detector.detect_from_features(features, images, scoring), counted, scoring).score


def match_each(detector: RD4AD, scoring: ScoringConfig, references: Sequence[Tensor]) -> Mix:
    """Match copies of an image, one per reference, each to its own reference."""
    weight = detector.style_weight if scoring.style_weight is None else scoring.style_weight
    matched = stage_indices(scoring.matched_stages)

    def mix(index: int, stage: Tensor) -> Tensor:
        return match_distribution(stage, references[index], style_weight=weight) if index in matched else stage

    return mix


@torch.inference_mode()
def pooled_features(detector: RD4AD, batches: Iterable[Batch]) -> Tensor:
    """Describe whole images by the mean of the teacher's last stage map, without matching.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".

    Returns:
        One row per image, shape (N, C), on the CPU.
    """
    teacher = detector.network.teacher
    return torch.cat([pool(teacher(batch.views["original"].to(detector.device))).cpu() for batch in batches])


@torch.inference_mode()
def view_distances(detector: RD4AD, original: Tensor, views: Tensor) -> list[ViewDistances]:
    """Compute each view's contribution to GNL's invariance terms, before averaging and weighting, without matching.

    Args:
        detector: A detector in eval mode.
        original: RGB in [0, 1], shape (3, H, W).
        views: The same image altered, shape (V, 3, H, W).

    Returns:
        One row per view; 0 for a view that changes nothing.
    """
    network = detector.network
    features = network(network.teacher(torch.cat([original[None], views])))
    embedding, low_level = features.embedding, features.student[0]
    return [
        ViewDistances(
            float(cosine_distance(embedding[:1], embedding[row : row + 1])),
            float(cosine_distance(low_level[:1], low_level[row : row + 1])),
        )
        for row in range(1, 1 + len(views))
    ]
