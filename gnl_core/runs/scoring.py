"""Load a trained run from disk and score the domains of its data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gnl_core.config import RunConfig, ScoringConfig, parse_config, scoring_settings
from gnl_core.config.values import EngineName
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.tiles import cut_items, tiling_of
from gnl_core.detectors import settle_own_region
from gnl_core.detectors.base import Detector
from gnl_core.engines import use_engine
from gnl_core.files import hash_file, version_of
from gnl_core.metrics.map_scale import MAP_SCALE_IMAGES, sampling_step, scale_of_maxima
from gnl_core.models.blocks import keep_matrices
from gnl_core.records import Scores
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.folder import RunFolder, find_config
from gnl_core.runs.images import list_domain, readable_items, split_training
from gnl_core.scoring import detect, measure_shift, score

SCORING_BATCH_SIZES = (16, 64)  # at 256 px; at 64 px and below
SCORING_PIXELS = 2**18  # per batch, in between
TILED_PIXELS = 2**22  # per batch of images that are scored in tiles
SHIFT_IMAGES = 256
TILE_SEED = 0  # of the tiles on which a shift is measured
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
    folder: RunFolder,
    *,
    device: str = "auto",
    teacher_weights: Path | None = None,
    data_root: Path | None = None,
    engine: EngineName | None = None,
) -> Run:
    """Load a run's checkpoint. Where its data and its teacher's weights are, the run's config.json says.

    Args:
        folder: The run's folder.
        device: Device for the detector.
        teacher_weights: The teacher's weight file; unset: the path used in training.
        data_root: The data root; unset: the one used in training.
        engine: What computes the teacher in scoring; unset: the engine in the run's settings.

    Raises:
        ValueError: If there is no checkpoint, it or config.json cannot be used, it is replaced again and again, or the
            engine cannot compute its teacher.
    """
    own = find_config(folder) or parse_config({})
    for _ in range(LOADS):
        version = version_of(folder.weights)
        detector, config = load_checkpoint(
            folder.weights, device=device, teacher_weights=teacher_weights or own.teacher_weights
        )
        sha256 = hash_file(folder.weights)
        if version == version_of(folder.weights):
            keep_matrices(detector)
            use_engine(detector, engine or own.engine, image_size=config.input_size)
            placed = config.model_copy(update={"data_root": data_root or own.data_root})
            return Run(detector, placed, folder.weights, sha256)
    raise ValueError(f"{folder.weights} was replaced {LOADS} times while it was loaded; try again when training ends")


def resolve_scoring(run: Run, **overrides: object) -> ScoringConfig:
    """Return the run's scoring settings with overrides and nothing unset.

    Raises:
        ValueError: If a region of interest is given that cannot be used.
    """
    scoring = scoring_settings(run.config, **settle_given(overrides, run.config))
    if scoring.style_weight is not None:
        return scoring
    return scoring.model_copy(update={"style_weight": run.detector.style_weight})


def settle_given(given: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """Return given scoring settings with the text of a region of interest in place of its mask file.

    Raises:
        ValueError: If the region cannot be used; see `settle_own_region`.
    """
    region = given.get("region_of_interest")
    return dict(given) if region is None else {**given, "region_of_interest": settle_own_region(region, config)}


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
    batch_size = min(largest, max(smallest, SCORING_PIXELS // (height * width)))
    workers = config.workers
    if config.tile_size is not None:  # large images take far more memory than time to load: few, and none ahead
        batch_size, workers = min(batch_size, max(1, TILED_PIXELS // (height * width))), 0
    return Batches(
        items,
        image_size=config.image_size,
        resize=config.resize,
        tiling=tiling_of(config),
        batch_size=batch_size,
        workers=workers,
        cache_mb=cache_mb,
    )


def input_batches(items: Sequence[Item], config: RunConfig) -> Batches:
    """Batch images as a run's detector reads them: each tile by itself, or whole images."""
    whole = config.model_copy(update={"image_size": config.input_size, "tile_size": None})
    return scoring_batches(cut_items(items, config), whole)


def shift_batches(items: Sequence[Item], config: RunConfig) -> Batches:
    """Batch up to 256 images of a domain, spread evenly, or of their tiles, drawn at random."""
    batches = input_batches(items, config)
    if config.tile_size is None:
        chosen = batches.items[:: sampling_step(len(items), limit=SHIFT_IMAGES)]  # data sets list images by class
    else:  # an even spread could hit the same place of each image
        drawn = np.random.default_rng(TILE_SEED).permutation(len(batches.items))[:SHIFT_IMAGES]
        chosen = [batches.items[position] for position in sorted(drawn)]
    return replace(batches, items=chosen)


def score_domain(run: Run, domain: str, scoring: ScoringConfig) -> Scores:
    """Score all images of one domain."""
    return score(run.detector, load_domain(run, domain), scoring)


def measure_domain_shift(run: Run, domain: str) -> float | None:
    """Compute the shift score of a domain: its distance from the training images.

    Uses up to 256 images of the domain, or tiles of them, and no labels.

    Returns:
        0 or more, about 0.4 in-distribution; None if `gnl_core.scoring.measure_shift` returns None.
    """
    return measure_shift(run.detector, shift_batches(list_domain(run.config, domain), run.config))


def map_scale(run: Run, scoring: ScoringConfig) -> float:
    """Return the upper end of the colour scale of anomaly maps, shared by all domains and pages.

    It is the 99.5 % quantile of the map maxima of up to 256 normal training images, spread evenly over those that the
    run trains on and those that it holds out. The former alone would give too small a scale for a method that
    memorises its training images, such as PatchCore.

    Raises:
        ValueError: If the method has no maps, or they are not finite.
    """
    items = [item for part in split_training(run.config) for item in readable_items(run.config, part)]
    return scale_of_images(run.detector, items, run.config, scoring)


def scale_of_images(detector: Detector, items: Sequence[Item], config: RunConfig, scoring: ScoringConfig) -> float:
    """Return the 99.5 % quantile of the map maxima of up to 256 images, spread evenly over the given ones.

    Args:
        detector: The detector, which may be adapted.
        items: The images.
        config: The settings of its run.
        scoring: The scoring settings.

    Raises:
        ValueError: If the method has no maps, or they are not finite.
    """
    step = sampling_step(len(items), limit=MAP_SCALE_IMAGES)
    maxima = [
        detection.anomaly_map.amax(dim=(1, 2, 3)).numpy()
        for _, detection in detect(detector, scoring_batches(items[::step], config), scoring)
        if detection.anomaly_map is not None
    ]
    if not maxima:
        raise ValueError(f"{config.detector} gives scores only; leave out the maps")
    return scale_of_maxima(np.concatenate(maxima))
