"""The only loop: it learns, and yields a record an epoch. It knows no file and no screen."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch.optim import Optimizer

from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.records import Batch, EpochRecord


def fit(detector: Detector, batches: Batches, *, epochs: int, learning_rate: float | None) -> Iterator[EpochRecord]:
    """Train a detector on normal images.

    The consumer may stop between epochs; at each record the detector is in eval mode and can be saved.

    Args:
        detector: What learns; it changes in place, on the device it is on.
        batches: Training images with the detector's views; their seed decides all random draws.
        epochs: Passes over them; a method that has no optimizer makes none.
        learning_rate: Given to `Detector.optimizers`; None: the method's own.

    Yields:
        One record an epoch; a single one without losses for a method that learns nothing beyond `prepare`.

    Raises:
        ValueError: If the losses stop being finite.
    """
    started = time.perf_counter()
    device = device_of(detector)
    detector.eval()
    with seeded_draws(batches.seed, 0):
        detector.prepare(to_device(batch, device) for batch in batches)
    optimizers = detector.optimizers(detector.learning_rate if learning_rate is None else learning_rate)
    for epoch in range(1, epochs + 1) if optimizers else (1,):
        with seeded_draws(batches.seed, epoch):
            losses = train_epoch(detector, batches, optimizers, epoch=epoch, epochs=epochs) if optimizers else {}
        check_finite(losses, epoch)
        yield EpochRecord(epoch=epoch, losses=losses, elapsed_seconds=time.perf_counter() - started)


def train_epoch(
    detector: Detector, batches: Batches, optimizers: Sequence[Optimizer], *, epoch: int, epochs: int
) -> dict[str, float]:
    """One pass over the images; the mean of each named loss term. The detector is in eval mode again at its end."""
    device, values = device_of(detector), defaultdict(list)
    detector.train()
    for step, batch in enumerate(batches.epoch(epoch)):
        progress = (epoch - 1 + step / len(batches)) / epochs
        terms = detector.training_step(to_device(batch, device), optimizers, progress=progress)
        for name, value in terms.items():
            values[name].append(value)
    detector.eval()
    return {name: sum(column) / len(column) for name, column in values.items()}


@contextmanager
def seeded_draws(seed: int, epoch: int) -> Iterator[None]:
    """Random draws that depend on seed and epoch alone; 0 is the preparation. The caller's own go on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        yield


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
