"""The training loop, which yields one step per batch or one record per epoch, without input or output."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from gnl_core.config import parse_scoring
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.distributed import ALONE, Processes, average_buffers, average_gradients, average_values
from gnl_core.finite import DivergedError, check_losses, find_not_finite, is_finite
from gnl_core.memory import explain_memory
from gnl_core.records import Batch, EpochRecord, TrainingStep

UNMATCHED = parse_scoring({"style_weight": 0.0})  # works without references, which a run need not store


@dataclass
class Training:
    """The state of a training: with the tensors of detector and optimizers, it determines the rest of the training.

    Attributes:
        detector: The detector, trained in place.
        batches: Training images with the detector's views; their seed determines all random draws.
        epochs: Number of passes over the batches.
        optimizers: The detector's optimizers; none for a method that learns nothing after `prepare`.
        processes: The processes that train together.
        started: Start time on the clock of `time.perf_counter`.
        epoch: The current epoch, from 1; `epochs` + 1 at the end.
        step: Number of completed batches of the current epoch.
        values: The values of each named loss over those batches.
        draws: State of PyTorch's generator after the last step; None before the first of an epoch.
    """

    detector: Detector
    batches: Batches
    epochs: int
    optimizers: list[Optimizer]
    processes: Processes
    started: float
    epoch: int = 1
    step: int = 0
    values: dict[str, list[float]] = field(default_factory=dict)
    draws: Tensor | None = None

    @property
    def elapsed_seconds(self) -> float:
        """Time since the start, preparation included."""
        return time.perf_counter() - self.started


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
    With several processes, each prepares on all images, and all have the same detector after each epoch.

    Args:
        detector: The detector, trained in place on its own device.
        batches: Training images with the detector's views; their seed determines all random draws.
        epochs: Number of passes over the batches; a method without an optimizer makes none.
        learning_rate: Passed to `Detector.optimizers`; None for the method's own.
        processes: The processes that train together, already started; each calls this function.

    Yields:
        One record per epoch; a single one without losses for a method that learns nothing after `prepare`.

    Raises:
        DivergedError: If losses, weights or scores stop being finite; that epoch yields no record.
    """
    training = begin(detector, batches, epochs=epochs, learning_rate=learning_rate, processes=processes)
    for step in learn(training):
        if step.record is not None:
            yield step.record


def begin(
    detector: Detector,
    batches: Batches,
    *,
    epochs: int,
    learning_rate: float | None,
    processes: Processes = ALONE,
) -> Training:
    """Prepare a detector for its first step; the arguments are those of `fit`."""
    started = time.perf_counter()
    device = detector.device
    detector.eval()
    with seeded_draws(batches.seed, 0):
        detector.prepare(to_device(batch, device) for batch in batches)
    optimizers = detector.optimizers(detector.learning_rate if learning_rate is None else learning_rate)
    average_gradients(optimizers, processes)
    return Training(detector, batches, epochs, optimizers, processes, started)


def learn(training: Training) -> Iterator[TrainingStep]:
    """Continue a training from its current state, batch by batch.

    The consumer may stop after any batch. Continuing later from a `Training` with the same state leads to the same
    weights. Within an epoch the detector is in train mode.

    Yields:
        One step per batch; the last step of an epoch has its record. A method that learns nothing yields a single step.

    Raises:
        DivergedError: If losses, weights or scores stop being finite; that epoch yields no record.
    """
    if not training.optimizers:
        images = len(training.batches.items)
        yield TrainingStep(epoch=1, step=1, steps=1, images=images, losses={}, record=end_epoch(training))
        return
    steps = len(training.batches)
    while training.epoch <= training.epochs:
        epoch = training.epoch
        training.detector.train()
        for batch in rest_of_epoch(training):
            losses = train_step(training, batch)
            step = training.step
            record = end_epoch(training, batch) if step == steps else None
            images = len(batch.paths) * training.processes.size
            yield TrainingStep(epoch=epoch, step=step, steps=steps, images=images, losses=losses, record=record)


def rest_of_epoch(training: Training) -> Iterator[Batch]:
    """Yield this process's share of each remaining batch of the current epoch."""
    processes = training.processes
    return training.batches.epoch(training.epoch, rank=processes.rank, size=processes.size, start=training.step)


def train_step(training: Training, batch: Batch) -> dict[str, float]:
    """Learn from one batch, record the value of each named loss, and return these values."""
    detector, steps = training.detector, len(training.batches)
    progress = (training.epoch - 1 + training.step / steps) / training.epochs
    with epoch_draws(training), training.processes.autocast(), explain_memory(len(batch.paths)):
        losses = detector.training_step(to_device(batch, detector.device), training.optimizers, progress=progress)
    for name, value in losses.items():
        training.values.setdefault(name, []).append(value)
    training.step += 1
    return losses


def end_epoch(training: Training, last: Batch | None = None) -> EpochRecord:
    """Switch the detector to eval mode and advance the training to the start of the next epoch.

    Args:
        training: State after the last step of an epoch.
        last: That step's batch, which must get finite scores; None for a method without steps.

    Returns:
        The epoch's record, with the mean of each loss.

    Raises:
        DivergedError: If losses, weights or scores are not finite.
    """
    average_buffers(training.detector, training.processes)
    training.detector.eval()
    losses, epoch = average_values(mean_losses(training), training.processes), training.epoch
    check_losses(losses, epoch=epoch)
    check_detector(training, last)
    training.epoch, training.step, training.values, training.draws = epoch + 1, 0, {}, None
    return EpochRecord(epoch=epoch, losses=losses, elapsed_seconds=training.elapsed_seconds)


@contextmanager
def epoch_draws(training: Training) -> Iterator[None]:
    """Continue the epoch's random draws after its last step; the caller's generator is not affected."""
    if training.draws is not None:
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(training.draws)
            yield
            training.draws = torch.get_rng_state()
        return
    with seeded_draws(training.batches.seed, training.epoch, rank=training.processes.rank):
        yield
        training.draws = torch.get_rng_state()


@contextmanager
def seeded_draws(seed: int, epoch: int, *, rank: int = 0) -> Iterator[None]:
    """Seed random draws by seed, epoch (0 for preparation) and process; the caller's generator is not affected."""
    with torch.random.fork_rng(devices=[]):
        entropy = [seed, epoch, rank] if rank else [seed, epoch]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        yield


def mean_losses(training: Training) -> dict[str, float]:
    """Average each named loss over this process's steps of the current epoch."""
    return {name: sum(column) / len(column) for name, column in training.values.items()}


def check_standing(training: Training) -> None:
    """Stop a training that has diverged within an epoch, judging by this process only.

    Raises:
        DivergedError: If losses or weights are not finite.
    """
    check_losses(mean_losses(training), epoch=training.epoch)
    fault = find_fault(training.detector, None)
    if fault:
        raise diverged(fault, epoch=training.epoch)


def check_detector(training: Training, batch: Batch | None) -> None:
    """Stop a training whose detector has diverged; if several processes train, all stop together.

    Args:
        training: State at the end of an epoch, with the detector in eval mode.
        batch: Images to score, or None.

    Raises:
        DivergedError: If weights, or scores of the batch, are not finite.
    """
    fault = find_fault(training.detector, batch)
    if average_values({"at fault": float(fault is not None)}, training.processes)["at fault"]:
        raise diverged(fault or "the detector of another process is", epoch=training.epoch)


def find_fault(detector: Detector, batch: Batch | None) -> str | None:
    """Name what is not finite in a detector, as the beginning of a sentence; None if everything is finite.

    A last step that is far too large can leave weights that are finite but so large that scores overflow, so the
    batch, if any, is scored as well.
    """
    name = find_not_finite(detector.state_dict())
    if name:
        return f"{name} is"
    return None if batch is None or can_score(detector, batch) else "the scores of training images are"


def diverged(fault: str, *, epoch: int) -> DivergedError:
    """Create the error that ends a training."""
    return DivergedError(f"training diverged: {fault} not finite in epoch {epoch}; use a smaller --learning-rate")


@torch.inference_mode()
def can_score(detector: Detector, batch: Batch) -> bool:
    """Whether a detector in eval mode assigns every image of a batch a finite score."""
    return is_finite(detector(batch.views["original"].to(detector.device), UNMATCHED).score)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move the views of a batch to a device."""
    return replace(batch, views={name: images.to(device) for name, images in batch.views.items()})
