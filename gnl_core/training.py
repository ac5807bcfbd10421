"""The only loop: it learns, and yields a record an epoch. It knows no file and no screen."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch.optim import Optimizer

from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.distributed import ALONE, Processes, average_buffers, average_gradients, average_values
from gnl_core.memory import explain_memory
from gnl_core.records import Batch, EpochRecord


def fit(
    detector: Detector,
    batches: Batches,
    *,
    epochs: int,
    learning_rate: float | None,
    processes: Processes = ALONE,
) -> Iterator[EpochRecord]:
    """Train a detector on normal images.

    The consumer may stop between epochs; at each record the detector is in eval mode and can be saved.
    Several processes prepare alike, each on all images, and end each epoch with the same detector.

    Args:
        detector: What learns; it changes in place, on the device it is on.
        batches: Training images with the detector's views; their seed decides all random draws.
        epochs: Passes over them; a method that has no optimizer makes none.
        learning_rate: Given to `Detector.optimizers`; None: the method's own.
        processes: Those that train together, already started; each calls this.

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
    average_gradients(optimizers, processes)
    for epoch in range(1, epochs + 1) if optimizers else (1,):
        steps = load_steps(batches, processes, epoch=epoch, epochs=epochs)
        with seeded_draws(batches.seed, epoch, rank=processes.rank):
            losses = train_epoch(detector, steps, optimizers, processes) if optimizers else {}
        check_finite(losses, epoch)
        yield EpochRecord(epoch=epoch, losses=losses, elapsed_seconds=time.perf_counter() - started)


def train_epoch(
    detector: Detector, steps: Iterable[tuple[float, Batch]], optimizers: Sequence[Optimizer], processes: Processes
) -> dict[str, float]:
    """One pass over the images; the mean of each named loss term. The detector is in eval mode again at its end."""
    device, values = device_of(detector), defaultdict(list)
    detector.train()
    for progress, batch in steps:
        with processes.autocast(), explain_memory(len(batch.paths)):
            terms = detector.training_step(to_device(batch, device), optimizers, progress=progress)
        for name, value in terms.items():
            values[name].append(value)
    average_buffers(detector, processes)
    detector.eval()
    return average_values({name: sum(column) / len(column) for name, column in values.items()}, processes)


def load_steps(batches: Batches, processes: Processes, *, epoch: int, epochs: int) -> Iterator[tuple[float, Batch]]:
    """This process's share of each batch of an epoch, with the share of the training that is done before it."""
    for step, batch in enumerate(batches.epoch(epoch, rank=processes.rank, size=processes.size)):
        yield (epoch - 1 + step / len(batches)) / epochs, batch


@contextmanager
def seeded_draws(seed: int, epoch: int, *, rank: int = 0) -> Iterator[None]:
    """Random draws that depend on seed, epoch and process alone; epoch 0 is the preparation. The caller's own go on."""
    with torch.random.fork_rng(devices=[]):
        entropy = [seed, epoch, rank] if rank else [seed, epoch]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
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
