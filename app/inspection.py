"""Computations of the page Inspect with a detector. Imports PyTorch: import it only after drawing the rest."""

from __future__ import annotations

from collections.abc import Sequence
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
from gnl_core.datasets.base import Image, Item
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.detectors.references import first_of_each
from gnl_core.explanation import (
    Moments,
    can_explain,
    encode_references,
    farthest_channel,
    find_peak,
    moments_of,
    pooled_features,
    score_single_references,
    stage_maps,
    trace_values,
)
from gnl_core.finite import check_scores
from gnl_core.neighbours import neighbours
from gnl_core.records import Detection
from gnl_core.runs.images import split_training
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.scoring import counted_in, detect_each

OTHER_REFERENCES = 16
IN_TILES = "this run scores images in tiles, and the reasons are those of whole images; train a run without tiles"
COMPARED_IMAGES = 256  # training images searched for the nearest ones
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
    """

    stages: list[Stage]
    peak: tuple[int, int]
    singles: NDArray[np.float32]
    others: bool


class Neighbour(NamedTuple):
    """A training image and its distance, in the teacher's pooled features."""

    image: Image
    distance: float


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
def reasons(source: Source, subject: Subject, scoring: ScoringConfig) -> Reasons:
    """Compute the reasons for an image's score. Do not modify the result.

    Raises:
        ValueError: If the checkpoint cannot be used, or its method has no stages; the message says why.
    """
    run = run_of(source)
    detector = explained(run)
    image, counted = as_counted_input(run, subject, scoring)
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
    return Reasons(stages, (peak.row, peak.column), singles, others=others is not None)


@st.cache_resource(max_entries=4, show_spinner=False)
def other_references(source: Source) -> list[torch.Tensor] | None:
    """Encode training images drawn with another seed than the stored references'; None if the images are missing.

    Duplicates are included once.
    """
    run = run_of(source)
    try:
        items = split_training(run.config)[0]
    except (ValueError, OSError):  # a checkpoint whose images are elsewhere
        return None
    drawn = np.random.default_rng(run.config.seed + 1).permutation(len(items))[:OTHER_REFERENCES]
    detector = explained(run)
    batches = scoring_batches([items[index] for index in drawn], run.config)
    encoded = [encode_references(detector, batch.views["original"].to(detector.device)) for batch in batches]
    stages = [torch.cat(parts) for parts in zip(*encoded, strict=True)]
    different = first_of_each(stages)
    return [stage[different] for stage in stages]


def as_input(run: Run, subject: Subject) -> torch.Tensor:
    """Convert an image to the input of a run's detector, shape (3, H, W)."""
    (batch,) = scoring_batches([as_item(subject)], run.config)
    return batch.views["original"][0]


def as_counted_input(run: Run, subject: Subject, scoring: ScoringConfig) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Convert an image to the input of a run's detector, on its device, and mark the pixels that count.

    Returns:
        RGB in [0, 1], shape (3, H, W), and booleans, shape (1, 1, H, W); None if all pixels count.
    """
    (batch,) = scoring_batches([as_item(subject)], run.config)
    return batch.views["original"][0].to(run.detector.device), counted_in(batch, scoring)


def explained(run: Run) -> RD4AD:
    """Return the detector if its method has stages to show.

    Raises:
        ValueError: If it has none, or scores tiles.
    """
    if run.config.tile_size is not None:
        raise ValueError(IN_TILES)
    if not can_explain(run.detector):
        raise ValueError(f"{run.config.detector} has no stages to show; choose a method of reverse distillation")
    return run.detector


@st.cache_resource(max_entries=4, show_spinner=False)
def training_features(source: Source) -> torch.Tensor:
    """Compute the teacher's pooled features of up to 256 training images, one row each. Do not modify the result."""
    run = run_of(source)
    return pooled_features(explained(run), scoring_batches(compared_items(run.config), run.config))


def compared_items(config: RunConfig) -> list[Item]:
    """List the training images searched for the nearest ones."""
    return split_training(config)[0][:COMPARED_IMAGES]


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def nearest_training(source: Source, subject: Subject, *, count: int) -> list[Neighbour]:
    """Find the training images whose pooled features are nearest to an image's, nearest first.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    run = run_of(source)
    query = pooled_features(explained(run), scoring_batches([as_item(subject)], run.config))
    distances, rows = neighbours(query, training_features(source), count=count)
    items = compared_items(run.config)
    return [
        Neighbour(items[row].read(), distance)
        for row, distance in zip(rows[0].tolist(), distances[0].tolist(), strict=True)
    ]
