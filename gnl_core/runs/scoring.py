"""A trained run, loaded from disk, and its data set's domains scored with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gnl_core.config import RunConfig, ScoringConfig, scoring_settings
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.metrics.map_scale import MAP_SCALE_IMAGES, sampling_step, scale_of_maxima
from gnl_core.records import Scores
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain, split_training, usable
from gnl_core.scoring import detect, measure_shift, score

SCORING_BATCH_SIZES = (16, 64)  # at 256 px; at 64 px and below
SCORING_PIXELS = 2**18  # of a batch in between
SHIFT_IMAGES = 256


class Run(NamedTuple):
    """A trained detector and what it was trained by."""

    detector: Detector
    config: RunConfig

    def __repr__(self) -> str:
        """Name the run in one line, without the detector's layers."""
        config = self.config
        return f"Run({config.detector} on {config.dataset}, normal class {config.normal_class!r})"


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


def score_domain(run: Run, domain: str, scoring: ScoringConfig) -> Scores:
    """Score every image of one domain."""
    return score(run.detector, load_domain(run, domain), scoring)


def measure_domain_shift(run: Run, domain: str) -> float | None:
    """How far a domain lies from the training images, by up to 256 of its images and no label.

    Returns:
        0 or more, about 0.4 in-distribution; None as of `gnl_core.scoring.measure_shift`.
    """
    items = list_domain(run.config, domain)
    step = sampling_step(len(items), limit=SHIFT_IMAGES)  # all kinds of images: data sets list them class by class
    return measure_shift(run.detector, scoring_batches(items[::step], run.config))


def map_scale(run: Run, scoring: ScoringConfig) -> float:
    """Upper end of the colour scale of anomaly maps, the same for every domain and every page.

    The value that 99.5 % of the map maxima of normal training images do not exceed: of up to 256 images, spread evenly
    over those that the run learns from and those that it holds out. To a method that memorises its training images,
    such as PatchCore, these alone are hardly any distance away.

    Raises:
        ValueError: If the method has no maps, or they are not finite.
    """
    items = [item for part in split_training(run.config) for item in usable(run.config, part)]
    step = sampling_step(len(items), limit=MAP_SCALE_IMAGES)
    maxima = [
        detection.anomaly_map.amax(dim=(1, 2, 3)).numpy()
        for _, detection in detect(run.detector, scoring_batches(items[::step], run.config), scoring)
        if detection.anomaly_map is not None
    ]
    if not maxima:
        raise ValueError(f"{run.config.detector} gives scores only; ask for no maps")
    return scale_of_maxima(np.concatenate(maxima))
