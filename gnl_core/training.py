"""The only loop: it learns, and yields a step a batch or a record an epoch. It knows no file and no screen."""

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

UNMATCHED = parse_scoring({"style_weight": 0.0})  # asks nothing of references, which a run need not keep


@dataclass
class Training:
    """A training as it stands: with the detector's tensors and the optimizers', all that decides how it goes on.

    Attributes:
        detector: What learns; it changes in place.
        batches: Training images with the detector's views; their seed decides all random draws.
        epochs: Passes over them.
        optimizers: The detector's; none for a method that learns nothing beyond `prepare`.
        processes: Those that train together.
        started: When it began, on the clock of `time.perf_counter`.
        epoch: The epoch under way, from 1; one more than `epochs` at the end.
        step: Batches of that epoch that are done.
        values: Each named loss of those batches.
        draws: State of PyTorch's generator after them; None before the first.
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
        """Time since it began, preparation included."""
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
        DivergedError: If losses, weights or scores stop being finite; the record of that epoch is not given.
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
    """Go on with a training from where it stands, a batch at a time.

    The consumer may stop after any of them, and go on later to the same weights, from a `Training` that was brought
    to the same point. Within an epoch the detector is in train mode.

    Yields:
        One step a batch; an epoch's last one has its record. A single one for a method that learns nothing.

    Raises:
        DivergedError: If losses, weights or scores stop being finite; the record of that epoch is not given.
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
    """This process's share of each batch of the epoch under way that is not done yet."""
    processes = training.processes
    return training.batches.epoch(training.epoch, rank=processes.rank, size=processes.size, start=training.step)


def train_step(training: Training, batch: Batch) -> dict[str, float]:
    """Learn from one batch and keep the value of each named loss, which is given back too."""
    detector, steps = training.detector, len(training.batches)
    progress = (training.epoch - 1 + training.step / steps) / training.epochs
    with epoch_draws(training), training.processes.autocast(), explain_memory(len(batch.paths)):
        losses = detector.training_step(to_device(batch, detector.device), training.optimizers, progress=progress)
    for name, value in losses.items():
        training.values.setdefault(name, []).append(value)
    training.step += 1
    return losses


def end_epoch(training: Training, last: Batch | None = None) -> EpochRecord:
    """Bring the detector to eval mode and the training to the next epoch's start.

    Args:
        training: Behind the last step of an epoch.
        last: That step's batch, which the detector must be able to score; None for a method without steps.

    Returns:
        The epoch, with the mean of each loss.

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
    """Random draws that go on where the epoch's last step left them; the caller's own are not touched."""
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
    """Random draws that depend on seed, epoch and process alone; epoch 0 is the preparation. The caller's own go on."""
    with torch.random.fork_rng(devices=[]):
        entropy = [seed, epoch, rank] if rank else [seed, epoch]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        yield


def mean_losses(training: Training) -> dict[str, float]:
    """The mean of each named loss over this process's steps of the epoch under way."""
    return {name: sum(column) / len(column) for name, column in training.values.items()}


def check_standing(training: Training) -> None:
    """Stop a training that has diverged in the midst of an epoch; other processes are not asked.

    Raises:
        DivergedError: If losses or weights are not finite.
    """
    check_losses(mean_losses(training), epoch=training.epoch)
    fault = find_fault(training.detector, None)
    if fault:
        raise diverged(fault, epoch=training.epoch)


def check_detector(training: Training, batch: Batch | None) -> None:
    """Stop a training whose detector has diverged; where several processes train, all of them stop together.

    Args:
        training: At the end of an epoch, its detector in eval mode.
        batch: Images to score, if any.

    Raises:
        DivergedError: If weights, or scores of the batch, are not finite.
    """
    fault = find_fault(training.detector, batch)
    if average_values({"at fault": float(fault is not None)}, training.processes)["at fault"]:
        raise diverged(fault or "the detector of another process is", epoch=training.epoch)


def find_fault(detector: Detector, batch: Batch | None) -> str | None:
    """What of a detector is not finite, as the beginning of a sentence; None if all is.

    A last step that was far too large can leave weights that are finite, and yet so large that scores overflow: so a
    batch is scored too, if there is one.
    """
    name = find_not_finite(detector.state_dict())
    if name:
        return f"{name} is"
    return None if batch is None or can_score(detector, batch) else "the scores of training images are"


def diverged(fault: str, *, epoch: int) -> DivergedError:
    """The error that ends a training."""
    return DivergedError(f"training diverged: {fault} not finite in epoch {epoch}; use a smaller --learning-rate")


@torch.inference_mode()
def can_score(detector: Detector, batch: Batch) -> bool:
    """Whether a detector in eval mode gives every image of a batch a finite score."""
    return is_finite(detector(batch.views["original"].to(detector.device), UNMATCHED).score)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its views on a device."""
    return replace(batch, views={name: images.to(device) for name, images in batch.views.items()})
