"""Take snapshots of a training: what the detector after each kept epoch, and before the first, makes of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from gnl_core.anomaly_map import stage_map
from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.datasets import find_dataset
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.explanation import can_explain
from gnl_core.metrics.threshold import threshold_at
from gnl_core.plots.features import direction_colours
from gnl_core.records import Batch, Scores
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.discovery import find_epoch
from gnl_core.runs.domains import HELD_OUT
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.scoring import Run, load_domain, load_run, map_scale, score_domain
from gnl_core.runs.snapshots import DomainSnapshot, Pictures, Snapshot, Snapshots, Watched
from gnl_core.runs.training import prepare_training
from gnl_core.scoring import counted_in
from gnl_core.training import begin

PLANE = 2  # dimensions of the plane of the embeddings


class Seen(NamedTuple):
    """What a detector makes of images, before any of it is drawn; for the attributes see `DomainSnapshot`.

    Attributes:
        labels: Shape (n,).
        names: What each image shows, shape (n,).
        scores: Shape (n,).
        embeddings: The embedding of each image, scaled to length 1, shape (n, D).
        distances: For each image and stage, the mean over the positions, shape (n, S).
        images: The images that have pictures, RGB at the detector's size, shape (m, H, W, 3).
        teacher: Their stage 1, shape (m, C, h, w).
        student: Stage 1 rebuilt, likewise.
        maps: Anomaly maps, likewise, shape (m, H, W).
    """

    labels: NDArray[np.int64]
    names: NDArray[np.str_]
    scores: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    distances: NDArray[np.float64]
    images: Pictures
    teacher: NDArray[np.float32]
    student: NDArray[np.float32]
    maps: NDArray[np.float32]


class Plane(NamedTuple):
    """The plane in which embeddings vary most.

    Attributes:
        centre: Their mean, shape (D,).
        axes: Two orthogonal directions of length 1, shape (D, 2).
        share: Share of their variance that lies in it, in [0, 1].
    """

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]
    share: float


def keep_untrained(folder: RunFolder) -> None:
    """Keep a run's detector before training as epoch 0."""
    config = read_config(folder)
    detector, batches = prepare_training(config)
    begin(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate)
    untrained = folder.epoch(0)
    untrained.path.mkdir(parents=True, exist_ok=True)
    save_checkpoint(untrained.weights, detector, config, epoch=0)


def take_snapshots(folder: RunFolder, epochs: Sequence[int]) -> Snapshots:
    """Take a snapshot of each of several epochs that a run keeps, in-distribution and under the first shift.

    Args:
        folder: The run; its method is one of reverse distillation, and it holds out training images.
        epochs: The epochs, in ascending order.

    Raises:
        ValueError: If the run does not keep one of them, or cannot be used.
    """
    last = load_run(find_epoch(folder, epochs[-1]))
    spec = find_dataset(last.config.dataset, last.config.data_root)
    scoring = scoring_settings(last.config, style_weight=0.0)
    rows = typical_rows(score_domain(last, spec.in_distribution, scoring))
    thresholds, seen = {}, {}
    for epoch in epochs:
        run = load_run(find_epoch(folder, epoch))
        thresholds[epoch] = held_out_threshold(run, scoring)
        seen[epoch] = {domain: look_at(run, domain, rows) for domain in spec.domains[:2]}
    drawn = draw_snapshots(seen, rows=rows, thresholds=thresholds)
    return Snapshots(*drawn, map_scale(last, scoring), last.config, str(last.sha256))


def typical_rows(scores: Scores) -> list[int]:
    """Find the image of each category whose score is nearest to the category's median, normal ones first."""
    rows = {}
    for label, category in sorted(set(zip(scores.label.tolist(), scores.category.tolist(), strict=True))):
        own = np.flatnonzero((scores.category == category) & (scores.label == label))
        rows[label, category] = int(own[np.abs(scores.score[own] - np.median(scores.score[own])).argmin()])
    return list(rows.values())


def held_out_threshold(run: Run, scoring: ScoringConfig) -> float:
    """Return the threshold of a run from the images that it holds out."""
    return threshold_at(score_domain(run, HELD_OUT, scoring).score, quantile=run.config.threshold_quantile)


@torch.inference_mode()
def look_at(run: Run, domain: str, rows: Sequence[int]) -> Seen:
    """Encode, rebuild and score the images of a domain without matching; `rows` are the images that have pictures.

    Raises:
        ValueError: If the run's method is not one of reverse distillation.
    """
    detector = run.detector
    if not can_explain(detector):
        raise ValueError(f"{run.config.detector} has no student to watch; choose a method of reverse distillation")
    batches = load_domain(run, domain)
    parts = [look_at_batch(detector, batch, scoring_settings(run.config, style_weight=0.0)) for batch in batches]
    every = Seen(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return every._replace(
        **{name: getattr(every, name)[list(rows)] for name in ("images", "teacher", "student", "maps")}
    )


def look_at_batch(detector: RD4AD, batch: Batch, scoring: ScoringConfig) -> Seen:
    """Encode, rebuild and score a batch; every image has pictures."""
    images = batch.views["original"].to(detector.device)
    features = detector.features(images, scoring)
    detection = detector.detect_from_features(features, images, scoring)
    score, anomaly_map, _ = detector.count_only(detection, counted_in(batch, scoring), scoring)
    assert anomaly_map is not None, "reverse distillation has maps"
    distances = [stage_map(*pair).mean(dim=(1, 2, 3)) for pair in zip(features.teacher, features.student, strict=True)]
    return Seen(
        labels=batch.labels.numpy(),
        names=np.array(batch.categories),
        scores=score.double().cpu().numpy(),
        embeddings=F.normalize(features.embedding.flatten(1)).cpu().numpy(),
        distances=torch.stack(distances, dim=1).double().cpu().numpy(),
        images=(255 * images).round().byte().permute(0, 2, 3, 1).cpu().numpy(),
        teacher=features.teacher[0].cpu().numpy(),
        student=features.student[0].cpu().numpy(),
        maps=anomaly_map[:, 0].cpu().numpy(),
    )


def draw_snapshots(
    seen: Mapping[int, Mapping[str, Seen]], *, rows: Sequence[int], thresholds: Mapping[int, float]
) -> tuple[dict[str, Watched], tuple[Snapshot, ...], float]:
    """Draw what the detector after each epoch makes of images, all with the same colours and in the same plane.

    Returns:
        The first three fields of `Snapshots`.
    """
    last = seen[max(seen)]
    plane = fit_plane(np.concatenate([part.embeddings for part in last.values()]))
    fitted = [maps for part in last.values() for maps in part.teacher]
    students = [maps for domains in seen.values() for part in domains.values() for maps in part.student]
    teacher, student = (iter(pictures) for pictures in direction_colours(fitted, students))
    watched = {
        domain: Watched(
            part.labels,
            tuple(rows),
            names=tuple(part.names[list(rows)].tolist()),
            images=part.images,
            teacher=np.stack(list(islice(teacher, len(rows)))),
        )
        for domain, part in last.items()
    }
    epochs = tuple(
        Snapshot(
            epoch,
            thresholds[epoch],
            {
                domain: to_snapshot(part, plane, np.stack(list(islice(student, len(rows)))), rows=rows)
                for domain, part in domains.items()
            },
        )
        for epoch, domains in seen.items()
    )
    return watched, epochs, plane.share


def to_snapshot(part: Seen, plane: Plane, student: Pictures, *, rows: Sequence[int]) -> DomainSnapshot:
    """Keep what the file holds of a domain."""
    return DomainSnapshot(
        scores=part.scores,
        embeddings=(part.embeddings - plane.centre) @ plane.axes,
        distances=part.distances[list(rows)],
        label_distances=np.stack([part.distances[part.labels == label].mean(axis=0) for label in (0, 1)]),
        student=student,
        maps=part.maps,
    )


def fit_plane(embeddings: NDArray[np.float32]) -> Plane:
    """Fit the plane to embeddings, shape (n, D), by principal component analysis."""
    centre = embeddings.mean(axis=0)
    _, spread, directions = np.linalg.svd(embeddings - centre, full_matrices=False)
    return Plane(centre, directions[:PLANE].T, float(np.square(spread[:PLANE]).sum() / np.square(spread).sum()))
