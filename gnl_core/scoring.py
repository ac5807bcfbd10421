"""The one scoring path of app, command line and tests."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.memory import compute_in_chunks
from gnl_core.metrics.pixel import compare_with_masks, report_pixels
from gnl_core.models.teachers import Teacher
from gnl_core.records import Batch, Detection, PixelReport, Scores

CACHED_PIXELS = 2**17
FEWEST_IN_PORTION = 4


def detect(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> Iterator[tuple[Batch, Detection]]:
    """Look at images batch by batch.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: How to look at them.

    Yields:
        Each batch with its detection, on the CPU.
    """
    for batch, (detection,) in detect_each(detector, batches, [scoring]):
        yield batch, detection


@torch.inference_mode()
def detect_each(
    detector: Detector, batches: Iterable[Batch], scorings: Sequence[ScoringConfig]
) -> Iterator[tuple[Batch, list[Detection]]]:
    """Look at images batch by batch under several questions; what these have in common is computed once.

    Where the device's memory does not hold a batch, it is looked at in portions, and a warning says so.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scorings: How to look at them.

    Yields:
        Each batch with a detection for each question, on the CPU.
    """
    device = detector.device
    portion = sys.maxsize

    def look(images: Tensor) -> list[Detection]:
        return [to_cpu(found) for found in detect_at_precision(detector, images.to(device), scorings)]

    for batch in batches:
        images = batch.views["original"]
        if device.type == "cpu":
            portion = min(portion, cached_portion(images))
        portions, portion = compute_in_chunks(look, images, largest=portion)
        yield batch, [join_detections(same) for same in zip(*portions, strict=True)]


def detect_at_precision(detector: Detector, images: Tensor, scorings: Sequence[ScoringConfig]) -> list[Detection]:
    """What `Detector.detect_each` gives, each question in its own precision; those of one precision share their work.

    Args:
        detector: A detector in eval mode.
        images: RGB in [0, 1], shape (B, 3, H, W), on the detector's device.
        scorings: How to look at them.
    """
    found: dict[int, Detection] = {}
    for precision in dict.fromkeys(scoring.scoring_precision for scoring in scorings):
        alike = {index: scoring for index, scoring in enumerate(scorings) if scoring.scoring_precision == precision}
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            found |= dict(zip(alike, detector.detect_each(images, list(alike.values())), strict=True))
    return [found[index] for index in range(len(scorings))]


def cached_portion(images: Tensor) -> int:
    """Images of shape (B, 3, H, W) whose maps a processor's cache holds at once: 4 at 256 px, 32 at 64 px."""
    height, width = images.shape[-2:]
    return max(FEWEST_IN_PORTION, CACHED_PIXELS // (height * width))


def to_cpu(found: Detection) -> Detection:
    """The detection on the CPU, in 32 bits."""
    return Detection(found.score.float().cpu(), None if found.anomaly_map is None else found.anomaly_map.float().cpu())


def join_detections(parts: Sequence[Detection]) -> Detection:
    """Detections of several portions as one."""
    if len(parts) == 1:
        return parts[0]
    maps = [part.anomaly_map for part in parts if part.anomaly_map is not None]
    return Detection(torch.cat([part.score for part in parts]), torch.cat(maps) if maps else None)


@torch.inference_mode()
def measure_shift(detector: Detector, batches: Iterable[Batch]) -> float | None:
    """How far a domain lies from the training images, without a label; see `gnl_core.shift_score`.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".

    Returns:
        0 or more, or None for a method without a teacher, where features are not finite, or where
        `explain_missing_shift` has a reason.
    """
    teacher = next((module for module in detector.modules() if isinstance(module, Teacher)), None)
    references = references_of(detector)
    if teacher is None or references is None:
        return None
    found = references.measure_shift(teacher, (batch.views["original"].to(detector.device) for batch in batches))
    return found if found is not None and math.isfinite(found) else None


def explain_missing_shift(detector: Detector) -> str | None:
    """Why the shift from a detector's training images cannot be measured, in one sentence without a full stop.

    Returns:
        None where it can be measured, and for a method without a teacher, for which there is no such score.
    """
    references = references_of(detector)
    if references is None or references.has_spread:
        return None
    return (
        "no shift score: its unit is the spread among two or more different training images, and this checkpoint keeps "
        f"{references.distinct}; train on more images, with --stored-references 2 or more"
    )


def references_of(detector: Detector) -> References | None:
    """The references of a method that can match, or None."""
    return next((module for module in detector.modules() if isinstance(module, References)), None)


def score(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> Scores:
    """Score every image.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: How to look at them.

    Returns:
        One row an image, in the order of the batches.
    """
    return collect_scores(detect(detector, batches, scoring))


def score_each(detector: Detector, batches: Iterable[Batch], scorings: Sequence[ScoringConfig]) -> list[Scores]:
    """Score every image under several questions, reading it once and computing once what they have in common.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scorings: How to look at them.

    Returns:
        For each question what `score` gives.
    """
    rows: list[list[Scores]] = [[] for _ in scorings]
    for batch, detections in detect_each(detector, batches, scorings):
        for answers, detection in zip(rows, detections, strict=True):
            answers.append(score_rows(batch, detection))
    return [join_scores(answers) for answers in rows]


def collect_scores(detections: Iterable[tuple[Batch, Detection]]) -> Scores:
    """Turn detections into columns; maps and images are let go batch by batch."""
    return join_scores([score_rows(batch, detection) for batch, detection in detections])


def collect(detections: Iterable[tuple[Batch, Detection]]) -> tuple[Scores, PixelReport]:
    """Turn the detections of one domain into columns, and measure its maps where there are masks.

    Of images and maps, only the pixels that are measured are kept, 4 bytes each.
    """
    rows, pixels = [], []
    for batch, detection in detections:
        rows.append(score_rows(batch, detection))
        if batch.masks is not None and detection.anomaly_map is not None:
            maps, masks = detection.anomaly_map[:, 0].float(), batch.masks[:, 0] > 0
            pixels.append(compare_with_masks(maps.numpy(), masks.numpy(), batch.labels.numpy()))
    return join_scores(rows), report_pixels(pixels)


def score_rows(batch: Batch, detection: Detection) -> Scores:
    """One batch's detection as columns."""
    return Scores(
        score=detection.score.double().numpy(),
        label=batch.labels.numpy(),
        domain=np.array(batch.domains),
        category=np.array(batch.categories),
        path=np.array(batch.paths),
    )


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Rows of several scorings, one after the other."""
    return Scores(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})
