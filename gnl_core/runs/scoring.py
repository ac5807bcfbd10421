"""Load a trained run from disk and score the domains of its data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gnl_core.config import RunConfig, ScoringConfig, parse_config, scoring_settings
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.files import hash_file, version_of
from gnl_core.metrics.map_scale import MAP_SCALE_IMAGES, sampling_step, scale_of_maxima
from gnl_core.records import Scores
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.folder import RunFolder, find_config
from gnl_core.runs.images import list_domain, readable_items, split_training
from gnl_core.scoring import detect, measure_shift, score

SCORING_BATCH_SIZES = (16, 64)  # at 256 px; at 64 px and below
SCORING_PIXELS = 2**18  # per batch, in between
SHIFT_IMAGES = 256
LOADS = 5  # of a checkpoint that a training replaces meanwhile


class Run(NamedTuple):
    """A trained detector and the settings of its run.

    Attributes:
        detector: The detector, in eval mode.
        config: The settings.
        weights: The checkpoint that the detector was loaded from; None for one that was not.
        sha256: The SHA-256 of that checkpoint when it was loaded; it may have been replaced since.
    """

    detector: Detector
    config: RunConfig
    weights: Path | None = None
    sha256: str | None = None

    def __repr__(self) -> str:
        """Name the run in one line, without the detector's layers."""
        config = self.config
        return f"Run({config.detector} on {config.dataset}, normal class {config.normal_class!r})"


def load_run(
    folder: RunFolder, *, device: str = "auto", teacher_weights: Path | None = None, data_root: Path | None = None
) -> Run:
    """Load a run's checkpoint. Where its data and its teacher's weights are, the run's config.json says.

    Args:
        folder: The run's folder.
        device: Device for the detector.
        teacher_weights: The teacher's weight file; unset: the path used in training.
        data_root: The data root; unset: the one used in training.

    Raises:
        ValueError: If there is no checkpoint, it or config.json cannot be used, or it is replaced again and again.
    """
    own = find_config(folder) or parse_config({})
    for _ in range(LOADS):
        version = version_of(folder.weights)
        detector, config = load_checkpoint(
            folder.weights, device=device, teacher_weights=teacher_weights or own.teacher_weights
        )
        sha256 = hash_file(folder.weights)
        if version == version_of(folder.weights):
            placed = config.model_copy(update={"data_root": data_root or own.data_root})
            return Run(detector, placed, folder.weights, sha256)
    raise ValueError(f"{folder.weights} was replaced {LOADS} times while it was loaded; try again when training ends")


def resolve_scoring(run: Run, **overrides: object) -> ScoringConfig:
    """Return the run's scoring settings with overrides and nothing unset."""
    scoring = scoring_settings(run.config, **overrides)
    if scoring.style_weight is not None:
        return scoring
    return scoring.model_copy(update={"style_weight": run.detector.style_weight})


def load_domain(run: Run, domain: str) -> Batches:
    """Load one domain of the run's data set at the run's image size.

    Raises:
        ValueError: If the data set has no such domain.
    """
    return scoring_batches(list_domain(run.config, domain), run.config)


def scoring_batches(items: Sequence[Item], config: RunConfig, *, cache_mb: int = 0) -> Batches:
    """Batch images for scoring at a run's image size, with about the same number of pixels per batch at any size.

    Args:
        items: The images to score.
        config: The run's settings.
        cache_mb: Memory for decoded images, MiB; 0 if each image is scored once.
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


def score_domain(run: Run, domain: str, scoring: ScoringConfig) -> Scores:
    """Score all images of one domain."""
    return score(run.detector, load_domain(run, domain), scoring)


def measure_domain_shift(run: Run, domain: str) -> float | None:
    """Compute the shift score of a domain: its distance from the training images.

    Uses up to 256 images of the domain and no labels.

    Returns:
        0 or more, about 0.4 in-distribution; None if `gnl_core.scoring.measure_shift` returns None.
    """
    items = list_domain(run.config, domain)
    step = sampling_step(len(items), limit=SHIFT_IMAGES)  # data sets list images class by class
    return measure_shift(run.detector, scoring_batches(items[::step], run.config))


def map_scale(run: Run, scoring: ScoringConfig) -> float:
    """Return the upper end of the colour scale of anomaly maps, shared by all domains and pages.

    It is the 99.5 % quantile of the map maxima of up to 256 normal training images, spread evenly over those that the
    run trains on and those that it holds out. The former alone would give too small a scale for a method that
    memorises its training images, such as PatchCore.

    Raises:
        ValueError: If the method has no maps, or they are not finite.
    """
    items = [item for part in split_training(run.config) for item in readable_items(run.config, part)]
    step = sampling_step(len(items), limit=MAP_SCALE_IMAGES)
    maxima = [
        detection.anomaly_map.amax(dim=(1, 2, 3)).numpy()
        for _, detection in detect(run.detector, scoring_batches(items[::step], run.config), scoring)
        if detection.anomaly_map is not None
    ]
    if not maxima:
        raise ValueError(f"{run.config.detector} gives scores only; leave out the maps")
    return scale_of_maxima(np.concatenate(maxima))
