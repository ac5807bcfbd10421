"""The only loop: it learns, and yields a record an epoch. It knows no file and no screen."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import torch

from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.records import Batch, EpochRecord


def fit(detector: Detector, batches: Batches, *, epochs: int, learning_rate: float) -> Iterator[EpochRecord]:
    """Train a detector on normal images.

    The consumer may stop between epochs; at each record the detector is in eval mode and can be saved.

    Args:
        detector: What learns; it changes in place, on the device it is on.
        batches: Training images with the detector's views.
        epochs: Passes over them.
        learning_rate: Given to `Detector.optimizers`.

    Yields:
        One record an epoch.

    Raises:
        ValueError: If the losses stop being finite.
    """
    started = time.perf_counter()
    device = device_of(detector)
    detector.eval()
    detector.prepare(to_device(batch, device) for batch in batches)
    optimizers = detector.optimizers(learning_rate)
    for epoch in range(1, epochs + 1):
        detector.train()
        values = defaultdict(list)
        for batch in batches.epoch(epoch):
            terms = detector.training_step(to_device(batch, device), optimizers, progress=(epoch - 1) / epochs)
            for name, value in terms.items():
                values[name].append(value)
        losses = {name: sum(column) / len(column) for name, column in values.items()}
        check_finite(losses, epoch)
        detector.eval()
        yield EpochRecord(epoch=epoch, losses=losses, elapsed_seconds=time.perf_counter() - started)


def check_finite(losses: dict[str, float], epoch: int) -> None:
    """Stop a training that has diverged."""
    for name, value in losses.items():
        if not math.isfinite(value):
            raise ValueError(f"training diverged: {name} is {value} in epoch {epoch}; use a smaller --learning-rate")


def device_of(detector: Detector) -> torch.device:
    """The device that a detector's weights are on."""
    return next(detector.parameters()).device


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its views on a device."""
    return replace(batch, views={name: images.to(device) for name, images in batch.views.items()})
