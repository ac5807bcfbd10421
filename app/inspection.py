"""Computations of the page Inspect with a detector. Imports PyTorch: import it only after drawing the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.compute import run_of
from app.server import rules
from app.sources import Source
from app.subjects import Subject, as_item
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.tiles import tiling_of
from gnl_core.datasets.tiling import places_of
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.detectors.references import first_of_each
from gnl_core.explanation import (
    Moments,
    can_explain,
    encode_references,
    farthest_channel,
    find_peak,
    moments_of,
    score_input,
    score_single_references,
    stage_maps,
    trace_values,
)
from gnl_core.finite import check_scores
from gnl_core.records import Detection
from gnl_core.runs.images import split_training
from gnl_core.runs.scoring import Run, input_batches, scoring_batches
from gnl_core.scoring import counted_in, detect_each

OTHER_REFERENCES = 16
IN_TILES = "this run scores images in tiles, and this is of whole images; train a run without tiles"
NOTHING_COUNTS = "no pixel of this tile counts, since it lies in the border or outside the region; choose another tile"
HASHED: dict[str | type, Any] = {
    ScoringConfig: ScoringConfig.model_dump_json,
    Subject: lambda subject: subject.digest,
}


class ImageScore(NamedTuple):
    """A detector's result for an image.

    Attributes:
        score: Higher is more anomalous.
        anomaly_map: At the detector's image size, shape (H', W'), or None for a method without maps.
    """

    score: float
    anomaly_map: NDArray[np.float32] | None


class Stage(NamedTuple):
    """One stage's part in a score.

    Attributes:
        distances: Its contribution to the anomaly map, shape (H', W').
        at_peak: Its value where the sum is largest.
        before: Sorted values of each channel before matching, shape (C, N).
        after: The same after matching.
        reference: The values after full matching, or None.
        moments: Mean and deviation of `before`, `after` and `reference`, in this order.
        farthest: The channel that full matching moves most.
    """

    distances: NDArray[np.float32]
    at_peak: float
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    reference: NDArray[np.float32] | None
    moments: tuple[Moments, Moments, Moments | None]
    farthest: int


class Reasons(NamedTuple):
    """The reasons for a score.

    Attributes:
        stages: From the low-level one to the abstract one.
        peak: Row and column where the sum of the stages is largest, in the detector's pixels.
        singles: The score with each of several training images as the only reference, shape (R,).
        others: Whether these references were drawn from the training images; else the checkpoint stores them.
        tile_scores: The score of the tile that the reasons are of, and its score without matching; None for a whole
            image.
    """

    stages: list[Stage]
    peak: tuple[int, int]
    singles: NDArray[np.float32]
    others: bool
    tile_scores: tuple[float, float] | None = None


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def score_each_image(
    source: Source, subjects: Sequence[Subject], requests: Sequence[ScoringConfig]
) -> list[list[ImageScore]]:
    """Score images under several scoring settings, which share work.

    Returns:
        For each of the settings, one result per image.

    Raises:
        ValueError: If the checkpoint cannot be used, or a score is not finite; the message says why.
    """
    rules.count_computation()
    run = run_of(source)
    batches = scoring_batches([as_item(subject) for subject in subjects], run.config)
    by_batch = [detections for _, detections in detect_each(run.detector, batches, requests)]
    for detection in chain.from_iterable(by_batch):
        check_scores(detection.score.numpy(), source=source.weights.parent.name)
    return [[score for part in parts for score in split(part)] for parts in zip(*by_batch, strict=True)]


def score_image(source: Source, subject: Subject, scoring: ScoringConfig) -> ImageScore:
    """Score one image under the given settings; raises as `score_each_image`."""
    ((result,),) = score_each_image(source, [subject], [scoring])
    return result


def split(batch: Detection) -> list[ImageScore]:
    """Split a batch's detection into one result per image."""
    maps = [None] * len(batch.score) if batch.anomaly_map is None else list(batch.anomaly_map[:, 0].numpy())
    return [ImageScore(score, anomaly_map) for score, anomaly_map in zip(batch.score.tolist(), maps, strict=True)]


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def reasons(source: Source, subject: Subject, scoring: ScoringConfig, tile: int | None = None) -> Reasons:
    """Compute the reasons for an image's score, or for that of one of its tiles. Do not modify the result.

    Args:
        source: The checkpoint and its images.
        subject: The image.
        scoring: The scoring settings.
        tile: For a run that scores tiles, the tile's position among the image's, from 0; else None.

    Raises:
        ValueError: If the checkpoint cannot be used, its method has no stages, or no pixel of the tile counts; the
            message says why.
    """
    run = run_of(source)
    detector = explained(run)
    image, counted = as_counted_input(run, subject, scoring, tile)
    maps = stage_maps(detector, image, scoring, counted=counted)
    peak = find_peak(maps)
    stages = [
        Stage(
            distances=distances.cpu().numpy(),
            at_peak=float(part),
            before=values.before.cpu().numpy(),
            after=values.after.cpu().numpy(),
            reference=None if values.reference is None else values.reference.cpu().numpy(),
            moments=(
                moments_of(values.before),
                moments_of(values.after),
                None if values.reference is None else moments_of(values.reference),
            ),
            farthest=farthest_channel(values),
        )
        for distances, part, values in zip(maps, peak.parts, trace_values(detector, image, scoring), strict=True)
    ]
    others = other_references(source) if detector.references.count else None
    references = detector.references.distinct_stages if others is None else others
    singles = score_single_references(detector, image, scoring, references, counted=counted).cpu().numpy()
    tile_scores = None
    if tile is not None:
        unmatched = scoring.model_copy(update={"style_weight": 0.0})
        score, off = (score_input(detector, image, one, counted=counted) for one in (scoring, unmatched))
        tile_scores = (score, off)
    return Reasons(stages, (peak.row, peak.column), singles, others=others is not None, tile_scores=tile_scores)


@st.cache_resource(max_entries=4, show_spinner=False)
def other_references(source: Source) -> list[torch.Tensor] | None:
    """Encode training images, or tiles of them, drawn with another seed than the stored references'.

    Duplicates are included once.

    Returns:
        Each stage's sorted values, shapes (R, C, N); None if the images are missing.
    """
    run = run_of(source)
    try:
        batches = input_batches(split_training(run.config)[0], run.config)
    except (ValueError, OSError):  # a checkpoint whose images are elsewhere
        return None
    drawn = np.random.default_rng(run.config.seed + 1).permutation(len(batches.items))[:OTHER_REFERENCES]
    detector = explained(run)
    batches = replace(batches, items=[batches.items[index] for index in drawn])
    encoded = [encode_references(detector, batch.views["original"].to(detector.device)) for batch in batches]
    stages = [torch.cat(parts) for parts in zip(*encoded, strict=True)]
    different = first_of_each(stages)
    return [stage[different] for stage in stages]


def as_input(run: Run, subject: Subject) -> torch.Tensor:
    """Convert an image to the input of a run's detector, shape (3, H, W).

    Raises:
        ValueError: If the run scores tiles.
    """
    if run.config.tile_size is not None:
        raise ValueError(IN_TILES)
    (batch,) = scoring_batches([as_item(subject)], run.config)
    return batch.views["original"][0]


def as_counted_input(
    run: Run, subject: Subject, scoring: ScoringConfig, tile: int | None = None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Convert an image, or one of its tiles, to the input of a run's detector, and mark the pixels that count.

    Returns:
        RGB in [0, 1], on the detector's device, shape (3, H, W), and booleans, shape (1, 1, H, W); None if all pixels
        count.

    Raises:
        ValueError: If no pixel counts.
    """
    (batch,) = scoring_batches([as_item(subject)], run.config)
    image, counted = cut_out(batch.views["original"][0], run, tile), counted_in(batch, scoring)
    counted = None if counted is None else cut_out(counted, run, tile)
    if counted is not None and not counted.any():
        raise ValueError(NOTHING_COUNTS)
    return image.to(run.detector.device), counted


def cut_out(pixels: torch.Tensor, run: Run, tile: int | None) -> torch.Tensor:
    """Cut a tile out of an image or a mask, whose last dimensions are rows and columns; None leaves it whole."""
    if tile is None:
        return pixels
    rows, columns = tile_places(run.config)[tile]
    return pixels[..., rows, columns]


def tile_places(config: RunConfig) -> list[tuple[slice, slice]]:
    """List the pixel rows and columns of the tiles that a run's images are cut into, row by row."""
    tiling = tiling_of(config)
    return [] if tiling is None else list(places_of(tiling))


def explained(run: Run) -> RD4AD:
    """Return the detector if its method has stages to show.

    Raises:
        ValueError: If it has none.
    """
    if not can_explain(run.detector):
        raise ValueError(f"{run.config.detector} has no stages to show; choose a method of reverse distillation")
    return run.detector
