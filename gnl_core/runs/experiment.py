"""Data set, detector and loop put together: train a run, and score it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gnl_core.config import RunConfig, ScoringConfig, scoring_settings
from gnl_core.datasets import HELD_OUT, TRAIN, default_root, find_dataset, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.images import UnreadableImageError
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.shifts import shift_items, split_domain
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.devices import resolve_device
from gnl_core.distributed import Processes, plan_processes
from gnl_core.finite import check_scores
from gnl_core.metrics import threshold_at
from gnl_core.records import EpochRecord, Scores, Step
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.folder import RunFolder, write_config
from gnl_core.runs.removing import discard_unstarted_run
from gnl_core.runs.resuming import TrainingOnDisk
from gnl_core.scoring import detect, measure_shift, score
from gnl_core.training import begin, learn

SCORING_BATCH_SIZES = (16, 64)  # at 256 px; at 64 px and below
SCORING_PIXELS = 2**18  # of a batch in between
SHIFT_IMAGES = 256
MAP_SCALE_QUANTILE = 0.995


def never() -> bool:
    """Nobody asks to stop."""
    return False


class Run(NamedTuple):
    """A trained detector and what it was trained by."""

    detector: Detector
    config: RunConfig


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
) -> Iterator[Step]:
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


def take_up_split(config: RunConfig, folder: RunFolder, *, write: bool) -> RunConfig:
    """The settings with the split of the data set at hand, which the run's settings on disk then say as well."""
    noted = note_split(config)
    if noted == config:
        return config
    if folder.state.exists():
        warn_of_split(noted)
    if write:
        write_config(folder, noted)
    return noted


def note_split(config: RunConfig) -> RunConfig:
    """The settings with the split of the data set at hand, where that depends on what is there.

    Raises:
        ValueError: If they name another one: images that were trained on would count as test images.
    """
    found = find_split(config)
    if found is not None and config.split_source not in (None, found):
        raise ValueError(
            f"this run splits training and test images by {config.split_source}, but the {config.dataset} images here "
            f"are split by {found}; restore the split lists or the images, or train another run"
        )
    return config if found is None else config.model_copy(update={"split_source": found})


def find_split(config: RunConfig) -> str | None:
    """How the data set at hand tells training from test images; None where that never depends on what is there.

    Raises:
        ValueError: If the data set is unknown, or not there.
    """
    spec = find_dataset(config.dataset, config.data_root)
    return spec.split(config.data_root or default_root()) if spec.split else None


def steps_on_disk(on_disk: TrainingOnDisk, stop: Callable[[], bool]) -> Iterator[Step]:
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


def split_training(config: RunConfig) -> tuple[list[Item], list[Item]]:
    """The normal training images that a run learns from, and those that it holds out; its seed decides which.

    Raises:
        ValueError: If the data set or the class is unknown, or its files are not there.
    """
    items = list_train_items(
        config.dataset, normal_class=config.normal_class, root=config.data_root, split=config.split
    )
    count = round(len(items) * config.holdout_percent / 100)
    held_out = set(np.random.default_rng(config.seed).permutation(len(items))[:count].tolist())
    learnt = [item for position, item in enumerate(items) if position not in held_out]
    return learnt[: config.limit], [items[position] for position in sorted(held_out)]


def usable(config: RunConfig, items: list[Item]) -> list[Item]:
    """The training images that can be read, where the run is to leave out the others; a warning says how many it did.

    Raises:
        ValueError: If none can be read.
    """
    if not config.skip_broken:
        return items
    readable, problems = leave_out_broken(items, workers=config.workers)
    if problems:
        warnings.warn(
            f"left out {len(problems)} of {len(items)} training images that cannot be read; the first: {problems[0]}",
            stacklevel=2,
        )
    return readable


def load_run(
    folder: RunFolder, *, device: str = "auto", teacher_weights: Path | None = None, data_root: Path | None = None
) -> Run:
    """Load a run's checkpoint.

    Args:
        folder: The run.
        device: Where to put the detector.
        teacher_weights: Where the teacher's weight file lies now; unset: where it lay in training.
        data_root: Where the data sets lie now; unset: where they lay in training.

    Raises:
        ValueError: If there is no checkpoint, or it cannot be used; says why.
    """
    detector, config = load_checkpoint(folder.weights, device=device, teacher_weights=teacher_weights)
    return Run(detector, config if data_root is None else config.model_copy(update={"data_root": data_root}))


def resolve_scoring(run: Run, **overrides: object) -> ScoringConfig:
    """The run's own way to score, with settings replaced and nothing left open."""
    scoring = scoring_settings(run.config, **overrides)
    if scoring.style_weight is not None:
        return scoring
    return scoring.model_copy(update={"style_weight": run.detector.style_weight})


def load_domain(run: Run, domain: str) -> Batches:
    """One domain of the run's data set, at the run's image size.

    Raises:
        ValueError: If the data set has no such domain.
    """
    return scoring_batches(list_domain(run.config, domain), run.config)


def scoring_batches(items: Sequence[Item], config: RunConfig, *, cache_mb: int = 0) -> Batches:
    """Images to be scored, at a run's size, in batches that hold about as many pixels whatever that size is.

    Args:
        items: What to score.
        config: The run's settings.
        cache_mb: Memory for decoded images, MiB; none where each is looked at once.
    """
    height, width = config.image_size
    smallest, largest = SCORING_BATCH_SIZES
    return Batches(
        items,
        image_size=config.image_size,
        batch_size=min(largest, max(smallest, SCORING_PIXELS // (height * width))),
        workers=config.workers,
        cache_mb=cache_mb,
    )


def list_domain(config: RunConfig, domain: str) -> list[Item]:
    """The images of one domain as a run sees them: "train" are those it learns from, "held_out" those it does not.

    Raises:
        ValueError: If the data set has no such domain or is split otherwise than in training, or the run holds out
            nothing.
    """
    base, shift = split_domain(domain)
    check_split(config, base)
    if base not in (TRAIN, HELD_OUT):
        return list_items(
            config.dataset,
            normal_class=config.normal_class,
            domain=domain,
            root=config.data_root,
            split=config.split,
        )
    learnt, held_out = split_training(config)
    items = [item._replace(domain=base) for item in usable(config, learnt if base == TRAIN else held_out)]
    if not items:
        raise ValueError("this run holds out no training images; train one with a larger --holdout-percent")
    return shift_items(items, shift) if shift else items


def check_split(config: RunConfig, domain: str) -> None:
    """Refuse a domain that the split decides on, if the run was trained by another; warn if nobody knows by which."""
    spec = find_dataset(config.dataset, config.data_root)
    if domain not in (TRAIN, HELD_OUT, spec.in_distribution) or spec.split is None:
        return
    noted = note_split(config)
    if config.split_source is None:
        warn_of_split(noted)


def warn_of_split(noted: RunConfig) -> None:
    """Say what is taken for the split of a run that does not say its own, as older runs do not."""
    warnings.warn(
        f"this run does not say how its training and test images were split; they are split by {noted.split_source} "
        "now. If it was trained with another split, some of the test images were trained on",
        stacklevel=3,
    )


def score_domain(run: Run, domain: str, scoring: ScoringConfig) -> Scores:
    """Score every image of one domain."""
    return score(run.detector, load_domain(run, domain), scoring)


def measure_domain_shift(run: Run, domain: str) -> float | None:
    """How far a domain lies from the training images, by up to 256 of its images and no label.

    Returns:
        0 or more, about 0.4 in-distribution; None as of `gnl_core.scoring.measure_shift`.
    """
    items = list_domain(run.config, domain)
    step = -(-len(items) // SHIFT_IMAGES)  # all kinds of images: data sets list them class by class
    return measure_shift(run.detector, scoring_batches(items[::step], run.config))


def map_scale(run: Run, scoring: ScoringConfig) -> float:
    """Upper end of the colour scale of anomaly maps: a quantile of the training normals' map maxima.

    Raises:
        ValueError: If the method makes no maps, or they are not finite.
    """
    maxima = [
        detection.anomaly_map.amax(dim=(1, 2, 3)).numpy()
        for _, detection in detect(run.detector, load_domain(run, TRAIN), scoring)
        if detection.anomaly_map is not None
    ]
    if not maxima:
        raise ValueError(f"{run.config.detector} gives scores only; ask for no maps")
    return scale_of_maxima(maxima)


def scale_of_maxima(maxima: Sequence[NDArray[np.float32]]) -> float:
    """The value that 99.5 % of the maxima of normal images' maps do not exceed.

    Args:
        maxima: Batches of them, at least one.

    Raises:
        DivergedError: If one is not finite.
    """
    joined = np.concatenate(maxima).astype(np.float64)
    check_scores(joined, source="the anomaly maps have no scale")
    return threshold_at(joined, quantile=MAP_SCALE_QUANTILE)
