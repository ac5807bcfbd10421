"""Score images; app, command line and tests all use this module."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.anomaly_map import image_score
from gnl_core.config import ScoringConfig
from gnl_core.datasets.region import counted_pixels
from gnl_core.datasets.tiling import cut, stitch
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.memory import compute_in_chunks
from gnl_core.metrics.pixel import compare_with_masks, report_pixels
from gnl_core.models.teachers import Teacher
from gnl_core.records import Batch, Detection, PixelReport, PixelScores, Scores, Tiling

CACHED_PIXELS = 2**17  # pixels per chunk whose maps fit into a processor's cache
SMALLEST_CHUNK = 4


def detect(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> Iterator[tuple[Batch, Detection]]:
    """Compute scores and anomaly maps batch by batch.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: Settings of the scoring.

    Yields:
        Each batch with its detection, on the CPU.
    """
    for batch, (detection,) in detect_each(detector, batches, [scoring]):
        yield batch, detection


@torch.inference_mode()
def detect_each(
    detector: Detector, batches: Iterable[Batch], scorings: Sequence[ScoringConfig]
) -> Iterator[tuple[Batch, list[Detection]]]:
    """Compute scores and anomaly maps batch by batch for several scorings; work that they share is done once.

    A batch that does not fit into the device's memory is processed in chunks, with a warning.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scorings: Settings of each scoring.

    Yields:
        Each batch with one detection per scoring, on the CPU.
    """
    device = detector.device
    chunk_size = sys.maxsize

    def detect_chunk(images: Tensor) -> list[Detection]:
        return [to_cpu(detection) for detection in detect_at_precision(detector, images.to(device), scorings)]

    def detect_images(images: Tensor) -> list[Detection]:
        nonlocal chunk_size
        if device.type == "cpu":
            chunk_size = min(chunk_size, cached_chunk_size(images))
        chunks, chunk_size = compute_in_chunks(detect_chunk, images, largest=chunk_size)
        return join_each(chunks)

    def detect_tiles(image: Tensor, tiling: Tiling) -> list[Detection]:
        by_scoring = join_each([detect_images(row) for row in cut(image, tiling)])
        return [
            join_tiles(detector, tiles, tiling, scoring) for tiles, scoring in zip(by_scoring, scorings, strict=True)
        ]

    for batch in batches:
        images, tiling = batch.views["original"], batch.tiling
        by_image = [detect_images(images)] if tiling is None else [detect_tiles(image, tiling) for image in images]
        yield (
            batch,
            [
                detector.count_only(detection, counted_in(batch, scoring), scoring)
                for detection, scoring in zip(join_each(by_image), scorings, strict=True)
            ],
        )


def join_tiles(detector: Detector, tiles: Detection, tiling: Tiling, scoring: ScoringConfig) -> Detection:
    """Join the detections of an image's tiles: stitch their maps and reduce the result, or take the highest score."""
    stitched = None if tiles.anomaly_map is None else stitch(tiles.anomaly_map, tiling)
    if stitched is None or not detector.reduces_map:
        return Detection(tiles.score.amax(dim=0, keepdim=True), stitched)
    score = image_score(stitched, reduction=scoring.reduction, top_percent=scoring.top_percent)
    return Detection(score, stitched)


def counted_in(batch: Batch, scoring: ScoringConfig) -> Tensor | None:
    """Mark the pixels of a batch that count, shape (B or 1, 1, H, W); None if all do."""
    height, width = batch.views["original"].shape[-2:]
    return counted_pixels(scoring.region_of_interest, (height, width), batch.content)


def detect_at_precision(detector: Detector, images: Tensor, scorings: Sequence[ScoringConfig]) -> list[Detection]:
    """Call `Detector.detect_each` once per precision; scorings of the same precision share their work.

    Args:
        detector: A detector in eval mode.
        images: RGB in [0, 1], shape (B, 3, H, W), on the detector's device.
        scorings: Settings of each scoring.
    """
    detections: dict[int, Detection] = {}
    for precision in dict.fromkeys(scoring.scoring_precision for scoring in scorings):
        group = {index: scoring for index, scoring in enumerate(scorings) if scoring.scoring_precision == precision}
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            detections |= dict(zip(group, detector.detect_each(images, list(group.values())), strict=True))
    return [detections[index] for index in range(len(scorings))]


def cached_chunk_size(images: Tensor) -> int:
    """Number of images (B, 3, H, W) whose maps fit into a processor's cache together: 4 at 256 px, 32 at 64 px."""
    height, width = images.shape[-2:]
    return max(SMALLEST_CHUNK, CACHED_PIXELS // (height * width))


def to_cpu(detection: Detection) -> Detection:
    """Move a detection to the CPU, in 32 bits."""
    anomaly_map = None if detection.anomaly_map is None else detection.anomaly_map.float().cpu()
    return Detection(detection.score.float().cpu(), anomaly_map)


def join_detections(parts: Sequence[Detection]) -> Detection:
    """Join the detections of several chunks into one."""
    if len(parts) == 1:
        return parts[0]
    maps = [part.anomaly_map for part in parts if part.anomaly_map is not None]
    return Detection(torch.cat([part.score for part in parts]), torch.cat(maps) if maps else None)


def join_each(parts: Sequence[Sequence[Detection]]) -> list[Detection]:
    """Join the detections of several parts under each scoring; each part has one per scoring."""
    return [join_detections(own) for own in zip(*parts, strict=True)]


@torch.inference_mode()
def measure_shift(detector: Detector, batches: Iterable[Batch]) -> float | None:
    """Measure how far a domain lies from the training images, without labels; see `gnl_core.shift_score`.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".

    Returns:
        0 or more, or None for a method without a teacher, if features are not finite, or if
        `explain_missing_shift` returns a reason.
    """
    teacher = next((module for module in detector.modules() if isinstance(module, Teacher)), None)
    references = references_of(detector)
    if teacher is None or references is None:
        return None
    shift = references.measure_shift(teacher, (batch.views["original"].to(detector.device) for batch in batches))
    return shift if shift is not None and math.isfinite(shift) else None


def explain_missing_shift(detector: Detector) -> str | None:
    """Explain why the shift from a detector's training images cannot be measured, in a sentence without a full stop.

    Returns:
        None if it can be measured, and for a method without references, which has no shift score.
    """
    references = references_of(detector)
    if references is None or references.has_spread:
        return None
    if not references.can_match:
        return (
            "no shift score: it is measured against stored references, and a teacher that computes its three maps at "
            "once, as this one does, stores none; train with a teacher that docs/teachers.md lists as cut into stages"
        )
    return (
        "no shift score: its unit is the spread among two or more different training images, and this checkpoint "
        f"stores {references.distinct}; train on more images, with --stored-references 2 or more"
    )


@torch.inference_mode()
def embed(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> NDArray[np.float64]:
    """Place images in a detector's embedding, or the mean of their tiles; see `Detector.embed`.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: Settings of the scoring, of which matching has an effect.

    Returns:
        One row per image, in the order of the batches, shape (n, D).
    """
    points: list[Tensor] = []
    for batch in batches:
        images, tiling = batch.views["original"], batch.tiling
        if tiling is None:
            points.append(embed_images(detector, images, scoring))
        else:
            points += [embed_tiles(detector, image, tiling, scoring) for image in images]
    return torch.cat(points).numpy()


def embed_images(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Tensor:
    """Place images (B, 3, H, W) in a detector's embedding, in chunks, shape (B, D), on the CPU."""
    chunks = torch.split(images, cached_chunk_size(images))
    return torch.cat([detector.embed(chunk.to(detector.device), scoring).double().cpu() for chunk in chunks])


def embed_tiles(detector: Detector, image: Tensor, tiling: Tiling, scoring: ScoringConfig) -> Tensor:
    """Average the places of an image's tiles in a detector's embedding, shape (1, D), on the CPU."""
    return torch.cat([embed_images(detector, row, scoring) for row in cut(image, tiling)]).mean(dim=0, keepdim=True)


def references_of(detector: Detector) -> References | None:
    """Return the references of a method that can match, or None."""
    return next((module for module in detector.modules() if isinstance(module, References)), None)


def score(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> Scores:
    """Score every image.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: Settings of the scoring.

    Returns:
        One row per image, in the order of the batches.
    """
    return collect_scores(detect(detector, batches, scoring))


def score_each(detector: Detector, batches: Iterable[Batch], scorings: Sequence[ScoringConfig]) -> list[Scores]:
    """Score every image with several scorings; images are read once, and work that scorings share is done once.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scorings: Settings of each scoring.

    Returns:
        The result of `score` for each scoring.
    """
    rows: list[list[Scores]] = [[] for _ in scorings]
    for batch, detections in detect_each(detector, batches, scorings):
        for parts, detection in zip(rows, detections, strict=True):
            parts.append(score_rows(batch, detection))
    return [join_scores(parts) for parts in rows]


def collect_scores(detections: Iterable[tuple[Batch, Detection]]) -> Scores:
    """Turn detections into columns; maps and images are freed batch by batch."""
    return join_scores([score_rows(batch, detection) for batch, detection in detections])


def collect(detections: Iterable[tuple[Batch, Detection]]) -> tuple[Scores, PixelReport]:
    """Turn the detections of one domain into columns, and compare its maps with masks where there are any.

    Of images and maps, only the compared pixels stay in memory, 4 bytes each.
    """
    rows, pixels = [], []
    for batch, detection in detections:
        rows.append(score_rows(batch, detection))
        if batch.masks is not None and detection.anomaly_map is not None:
            pixels.append(compare_batch(batch.masks, batch.labels, detection))
    return join_scores(rows), report_pixels(pixels)


def compare_batch(masks: Tensor, labels: Tensor, detection: Detection) -> PixelScores:
    """Divide the pixels of a batch that count by its masks; see `compare_with_masks`."""
    assert detection.anomaly_map is not None, "the caller has checked"
    maps, marked = detection.anomaly_map[:, 0].float(), masks[:, 0] > 0
    counted = None if detection.counted is None else detection.counted[:, 0].expand_as(marked).numpy()
    return compare_with_masks(maps.numpy(), marked.numpy(), labels.numpy(), counted=counted)


def score_rows(batch: Batch, detection: Detection) -> Scores:
    """Turn one batch's detection into columns.

    They share no memory with the batch: its labels lie among its images, whose memory could not be used again.
    """
    return Scores(
        score=detection.score.double().numpy(),
        label=batch.labels.numpy().copy(),
        domain=np.array(batch.domains),
        category=np.array(batch.categories),
        path=np.array(batch.paths),
    )


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Concatenate the rows of several scores."""
    return Scores(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})
