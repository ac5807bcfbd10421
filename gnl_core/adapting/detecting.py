"""Score all images of a domain at once, and tell which pixels of their maps count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.config import ScoringConfig
from gnl_core.datasets.region import counted_pixels
from gnl_core.detectors.base import Detector
from gnl_core.records import Detection
from gnl_core.scoring import cached_chunk_size, detect_at_precision, join_detections


@torch.inference_mode()
def detect_all(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Detection:
    """Score images in chunks and join the results, on the detector's device; all pixels count."""
    chunks: Sequence[Tensor] = torch.split(images, cached_chunk_size(images))
    return join_detections([detect_at_precision(detector, chunk, [scoring])[0] for chunk in chunks])


@torch.inference_mode()
def detect_counted(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Detection:
    """Score images as `detect_all` does, by the pixels that count."""
    return count_detected(detector, detect_all(detector, images, scoring), scoring)


def count_detected(detector: Detector, detection: Detection, scoring: ScoringConfig) -> Detection:
    """Leave out the pixels that do not count; see `Detector.count_only`."""
    counted = None if detection.anomaly_map is None else counted_in(detection.anomaly_map, scoring)
    return detector.count_only(detection, counted, scoring)


def counted_in(anomaly_maps: Tensor, scoring: ScoringConfig) -> Tensor | None:
    """Mark the pixels of maps (n, 1, H, W) that count, shape (1, 1, H, W); None if all do."""
    height, width = anomaly_maps.shape[-2:]
    counted = counted_pixels(scoring.region_of_interest, (height, width))
    return None if counted is None else counted.to(anomaly_maps.device)


def at_counted(anomaly_maps: Tensor, scoring: ScoringConfig) -> Tensor:
    """Return maps (n, 1, H, W) at the K pixels that count, shape (n, 1, 1, K), or as they are if all do."""
    counted = counted_in(anomaly_maps, scoring)
    return anomaly_maps if counted is None else anomaly_maps[..., counted[0, 0]][:, :, None]


def to_numpy(scores: Tensor) -> NDArray[np.float64]:
    """Scores as 64-bit numbers on the CPU."""
    return scores.double().cpu().numpy()
