"""Train a run: data set, detector and training loop put together, and what is due saved to disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from gnl_core.config import RunConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.images import UnreadableImageError
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.devices import resolve_device
from gnl_core.distributed import Processes, plan_processes
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.deletion import discard_unstarted_run
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import split_training, usable
from gnl_core.runs.resuming import TrainingOnDisk
from gnl_core.runs.splits import take_up_split
from gnl_core.training import begin, learn


def never() -> bool:
    """Nobody asks to stop."""
    return False


def train_run(config: RunConfig, folder: RunFolder, processes: Processes | None = None) -> Iterator[EpochRecord]:
    """Train what the settings say; after each epoch its record and the checkpoint are on disk.

    The arguments and what else there is to know are those of `advance_run`.

    Yields:
        One record an epoch that was still to be trained.
    """
    for step in advance_run(config, folder, processes):
        if step.record is not None:
            yield step.record


def advance_run(
    config: RunConfig, folder: RunFolder, processes: Processes | None = None, *, stop: Callable[[], bool] = never
) -> Iterator[TrainingStep]:
    """Train what the settings say, a batch at a time, from where the folder's state left it, if it has one.

    After each epoch its record, its checkpoint and the state are on disk, the latter within long epochs too. A run
    that ends before it has saved anything leaves no folder, so that its name is free for the next try.

    Args:
        config: Everything that decides the run.
        folder: Where it is written, by the first process alone.
        processes: From `plan_processes`, in a program that can be started again for each of several processes,
            as the command line can; unset: this process alone.
        stop: Asked after each batch of a single process; True saves the state and ends.

    Yields:
        One step a batch that was still to be learnt from.

    Raises:
        ValueError: If the settings name something that does not exist, or several processes and none were planned;
            if the folder cannot be written; or if its state does not fit.
    """
    try:
        processes = processes or plan_alone(config)
        config = take_up_split(config, folder, write=processes.is_first)
        detector, batches = prepare_training(config, device=processes.device)
        processes.start()
        training = begin(
            detector, batches, epochs=config.epochs, learning_rate=config.learning_rate, processes=processes
        )
        on_disk = TrainingOnDisk(training, config, folder)
        yield from steps_on_disk(on_disk, stop) if processes.is_first else learn(training)
    except UnreadableImageError as error:
        raise ValueError(f"{error}, or train without it: --skip-broken") from None
    finally:
        if processes is None or processes.is_first:
            discard_unstarted_run(folder)


def steps_on_disk(on_disk: TrainingOnDisk, stop: Callable[[], bool]) -> Iterator[TrainingStep]:
    """The steps that are left of a training, each on disk, as far as it is due, when it is passed on."""
    on_disk.take_up()
    with on_disk.ending_diverged():
        for step in learn(on_disk.training):
            on_disk.keep(step)
            yield step
            if stop() and not on_disk.is_done:
                on_disk.save()
                return
    on_disk.finish()


def plan_alone(config: RunConfig) -> Processes:
    """What settings of a single process ask for.

    Raises:
        ValueError: If they ask for several.
    """
    if config.devices * config.num_nodes > 1:
        raise ValueError("several devices or nodes train together under gnl train alone; ask for one of each here")
    return plan_processes(config)


def prepare_training(config: RunConfig, *, device: torch.device | None = None) -> tuple[Detector, Batches]:
    """Build what a run's settings name: an untrained detector, and its training images.

    Args:
        config: The settings.
        device: Where to put the detector; unset: where they say.

    Raises:
        ValueError: If they name something that does not exist.
    """
    items = usable(config, split_training(config)[0])
    detector = create_detector(config).to(device or resolve_device(config.device))
    batches = Batches(
        items,
        image_size=config.image_size,
        batch_size=config.batch_size,
        views=detector.views,
        augmix_operations=find_dataset(config.dataset, config.data_root).augmix_operations,
        seed=config.seed,
        workers=config.workers,
        cache_mb=config.image_cache_mb,
    )
    return detector, batches
