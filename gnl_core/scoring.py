"""The one scoring path of app, command line and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.records import Batch, Detection, Scores


@torch.inference_mode()
def detect(detector: Detector, batches: Iterable[Batch], scoring: ScoringConfig) -> Iterator[tuple[Batch, Detection]]:
    """Look at images batch by batch.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        scoring: How to look at them.

    Yields:
        Each batch with its detection, on the CPU.
    """
    device = next(detector.parameters()).device
    for batch in batches:
        score, anomaly_map = detector(batch.views["original"].to(device), scoring)
        yield batch, Detection(score.cpu(), None if anomaly_map is None else anomaly_map.cpu())


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


def score_each(detector: Detector, batches: Iterable[Batch], questions: Sequence[ScoringConfig]) -> list[Scores]:
    """Score every image under several questions, reading it once.

    Args:
        detector: A detector in eval mode.
        batches: Images with the view "original".
        questions: How to look at them.

    Returns:
        For each question what `score` gives.
    """
    rows: list[list[tuple[Batch, Detection]]] = [[] for _ in questions]
    for batch in batches:
        for answers, scoring in zip(rows, questions, strict=True):
            answers += [without_pixels(*answer) for answer in detect(detector, [batch], scoring)]
    return [collect_scores(answers) for answers in rows]


def collect_scores(detections: Iterable[tuple[Batch, Detection]]) -> Scores:
    """Turn detections into columns, holding no image or map longer than its batch."""
    rows = [without_pixels(batch, detection) for batch, detection in detections]
    return Scores(
        score=np.concatenate([detection.score.double().numpy() for _, detection in rows]),
        label=np.concatenate([batch.labels.numpy() for batch, _ in rows]),
        domain=np.array([name for batch, _ in rows for name in batch.domains]),
        category=np.array([name for batch, _ in rows for name in batch.categories]),
        path=np.array([name for batch, _ in rows for name in batch.paths]),
    )


def without_pixels(batch: Batch, detection: Detection) -> tuple[Batch, Detection]:
    """What is left of a batch and its detection when images, masks and maps are let go."""
    return replace(batch, views={}, masks=None), detection._replace(anomaly_map=None)
