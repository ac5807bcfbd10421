"""Train a run: combine data set, detector and training loop, and save progress to disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from gnl_core.config import RunConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.images import UnreadableImageError
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.tiles import cut_items
from gnl_core.detectors import create_detector, keep_own_settings
from gnl_core.detectors.base import Detector
from gnl_core.devices import resolve_device
from gnl_core.distributed import LOST_CONNECTION, Processes, has_lost_connection, plan_processes
from gnl_core.models.teachers import create_teacher
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.deletion import discard_unstarted_run
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import readable_items, split_training
from gnl_core.runs.resuming import TrainingOnDisk
from gnl_core.runs.splits import record_split
from gnl_core.training import begin, learn


def never() -> bool:
    """Return False: never stop early."""
    return False


def check_teacher_weights(config: RunConfig) -> None:
    """Check the weight file of the teacher, if the settings name one, before anything is written.

    The whole file is read, and read again by the training.

    Raises:
        ValueError: If it is missing or damaged, or does not fit the teacher; the message says what to do.
    """
    if config.teacher_weights is not None:
        create_teacher(config.teacher, weights=config.teacher_weights, sha256=config.teacher_sha256)


def train_run(config: RunConfig, folder: RunFolder, processes: Processes | None = None) -> Iterator[EpochRecord]:
    """Train a run; record and checkpoint are saved after each epoch.

    Arguments and errors are those of `advance_run`.

    Yields:
        One record per remaining epoch.
    """
    for step in advance_run(config, folder, processes):
        if step.record is not None:
            yield step.record


def advance_run(
    config: RunConfig, folder: RunFolder, processes: Processes | None = None, *, stop: Callable[[], bool] = never
) -> Iterator[TrainingStep]:
    """Train a run batch by batch, resuming from the folder's state if there is one.

    Record, checkpoint and state are saved after each epoch, the state also within long epochs. A run that ends before
    anything is saved leaves no folder, so that its name can be used again.

    Args:
        config: The run's settings.
        folder: The run's folder; only the first process writes to it.
        processes: From `plan_processes`, in a program that can be started again for each of several processes,
            as the command line can; unset: this process only.
        stop: Called after each batch of a single process; True saves the state and ends.

    Yields:
        One step per remaining batch.

    Raises:
        ValueError: If the settings name something that does not exist, or several processes but none were planned;
            if the folder cannot be written; if its state does not fit; or if another process of the training ended.
    """
    try:
        processes = processes or plan_single_process(config)
        config = record_split(keep_own_settings(config), folder, write=processes.is_first)
        detector, batches = prepare_training(config, device=processes.device)
        processes.start()
        training = begin(
            detector, batches, epochs=config.epochs, learning_rate=config.learning_rate, processes=processes
        )
        on_disk = TrainingOnDisk(training, config, folder)
        yield from steps_on_disk(on_disk, stop) if processes.is_first else learn(training)
    except UnreadableImageError as error:
        raise ValueError(f"{error}, or train without it: --skip-broken") from None
    except RuntimeError as error:
        if has_lost_connection(error):
            raise ValueError(LOST_CONNECTION) from None
        raise
    finally:
        if processes is not None:
            processes.end()
        if processes is None or processes.is_first:
            discard_unstarted_run(folder)


def steps_on_disk(on_disk: TrainingOnDisk, stop: Callable[[], bool]) -> Iterator[TrainingStep]:
    """Yield the remaining steps of a training, each after saving what is due."""
    on_disk.update_folder()
    with on_disk.ending_diverged():
        for step in learn(on_disk.training):
            on_disk.save_step(step)
            yield step
            if stop() and not on_disk.is_done:
                on_disk.save()
                return
    on_disk.finish()


def plan_single_process(config: RunConfig) -> Processes:
    """Plan the training of a single process.

    Raises:
        ValueError: If the settings request several devices or nodes.
    """
    if config.devices * config.num_nodes > 1:
        raise ValueError("training on several devices or nodes is supported only by gnl train; use one of each here")
    return plan_processes(config)


def prepare_training(config: RunConfig, *, device: torch.device | None = None) -> tuple[Detector, Batches]:
    """Build the untrained detector and the training batches of a run.

    Args:
        config: The run's settings.
        device: Device for the detector; unset: the device of the settings.

    Raises:
        ValueError: If the settings name something that does not exist.
    """
    items = cut_items(readable_items(config, split_training(config)[0]), config)
    detector = create_detector(config).to(device or resolve_device(config.device))
    batches = Batches(
        items,
        image_size=config.input_size,
        resize=config.resize,
        batch_size=config.batch_size,
        views=detector.views,
        augmix_operations=find_dataset(config.dataset, config.data_root).augmix_operations,
        seed=config.seed,
        workers=config.workers,
        cache_mb=config.image_cache_mb,
    )
    return detector, batches
