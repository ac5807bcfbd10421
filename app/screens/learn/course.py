"""The course of a training, as numbers and sentences for the browser. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.display.histograms import footnote, shared_axes
from app.scoring import DomainResult, measure_domain
from app.words import capitalised, counted, interval
from gnl_core.names import domain_name
from gnl_core.plots.histograms import histogram_shares
from gnl_core.plots.style import LABEL_NAMES
from gnl_core.records import Scores
from gnl_core.runs.snapshots import DomainSnapshot, Snapshot, Snapshots, Watched

LABELS = (0, 1)
PLANE = (300, 200)  # width and height of the plane, in its own units
MARGIN = 0.03  # on each side of the points, as a share of it


def results_of(snapshots: Snapshots) -> list[dict[str, DomainResult]]:
    """Measure each domain after each epoch, at the epoch's own threshold."""
    return [
        {
            domain: measure_domain(as_scores(domain, watched, snapshot), snapshot.threshold)
            for domain, watched in snapshots.watched.items()
        }
        for snapshot in snapshots.epochs
    ]


def as_scores(domain: str, watched: Watched, snapshot: Snapshot) -> Scores:
    """Return a domain's scores after an epoch; the images have no names."""
    names = np.full(len(watched.labels), domain)
    return Scores(snapshot.domains[domain].scores, watched.labels, domain=names, category=names, path=names)


def describe_course(snapshots: Snapshots, results: Sequence[dict[str, DomainResult]]) -> str:
    """State in a sentence what the whole training changes."""
    first, last = snapshots.epochs[0], snapshots.epochs[-1]
    inside, shifted = snapshots.watched
    before, after = (mean_distances(snapshot, inside) for snapshot in (first, last))
    distances = [f"from {one:.2f} to {other:.2f}" for one, other in zip(before, after, strict=True)]
    aurocs = [
        f"from {auroc_of(results[0][name]):.3f} to {auroc_of(results[-1][name]):.3f}" for name in (inside, shifted)
    ]
    return (
        f"In {counted(last.epoch, 'epoch')}, the mean distance between student and teacher goes {distances[0]} for "
        f"normal images and {distances[1]} for anomalous ones. AUROC goes {aurocs[0]} in-distribution, and {aurocs[1]} "
        f"{domain_name(shifted)}."
    )


def mean_distances(snapshot: Snapshot, domain: str) -> NDArray[np.float64]:
    """Return the mean cosine distance over the stages for normal and anomalous images, shape (2,)."""
    return snapshot.domains[domain].label_distances.mean(axis=1)


def auroc_of(result: DomainResult) -> float:
    """Return AUROC; both labels occur in the bundled domains."""
    return result.report.auroc or 0.0


def name_epoch(epoch: int) -> str:
    """Name an epoch as the beginning of a sentence."""
    return f"After {counted(epoch, 'epoch')}" if epoch else "Before training"


def describe_epoch(snapshot: Snapshot, results: dict[str, DomainResult]) -> str:
    """State what the student can rebuild after an epoch, and how well scores separate."""
    inside, shifted = results
    normal, anomalous = mean_distances(snapshot, inside)
    aurocs = [f"{auroc_of(results[domain]):.3f}" for domain in (inside, shifted)]
    return (
        f"{name_epoch(snapshot.epoch)}, the mean distance between student and teacher is {normal:.2f} for normal "
        f"images and {anomalous:.2f} for anomalous ones. AUROC is {aurocs[0]} in-distribution and {aurocs[1]} "
        "under shift."
    )


def describe_image(part: DomainSnapshot, *, row: int, place: int) -> str:
    """State the score of an image after an epoch, and its distance at each stage.

    Args:
        part: The image's domain after the epoch.
        row: Position of the image in the domain.
        place: Its position among the images that have pictures.
    """
    stages = ", ".join(f"{distance:.2f}" for distance in part.distances[place])
    return f"score {part.scores[row]:.2f}; mean distance at stages 1 to 3: {stages}"


def draw_panels(snapshots: Snapshots, results: Sequence[dict[str, DomainResult]]) -> list[dict[str, Any]]:
    """Build one histogram for each domain, whose axes are the same after each epoch."""
    axes = shared_axes([result.scores for domains in results for result in domains.values()])
    return [
        {
            "title": capitalised(domain_name(domain)) + (" (shifted)" if shifted else ""),
            "shifted": bool(shifted),
            "edges": axes.edges.tolist(),
            "top": axes.tallest,
            "epochs": [
                panel_of(domains[domain], snapshot.threshold, axes.edges)
                for domains, snapshot in zip(results, snapshots.epochs, strict=True)
            ],
        }
        for shifted, domain in enumerate(snapshots.watched)
    ]


def panel_of(result: DomainResult, threshold: float, edges: NDArray[np.float64]) -> dict[str, Any]:
    """Build the bars and texts of a histogram after one epoch."""
    scores = result.scores
    return {
        "shares": [histogram_shares(scores.score[scores.label == label], edges).round(4).tolist() for label in LABELS],
        "threshold": threshold,
        "note": f"AUROC {auroc_of(result):.3f}",
        "interval": interval(result.report.auroc_interval),
        "footnote": footnote(result),
    }


def draw_plane(snapshots: Snapshots) -> dict[str, Any]:
    """Build the points of all embeddings; their scale is the same after each epoch and in both directions.

    Normal images come last, and of each label those in-distribution, so that they are drawn on top of the others.
    """
    labels = np.concatenate([watched.labels for watched in snapshots.watched.values()])
    shifted = np.repeat([False, True], [len(watched.labels) for watched in snapshots.watched.values()])
    order = np.lexsort((~shifted, labels == 0))
    epochs = [
        np.concatenate([part.embeddings for part in snapshot.domains.values()])[order] for snapshot in snapshots.epochs
    ]
    low, high = np.min(epochs, axis=(0, 1)), np.max(epochs, axis=(0, 1))
    unit = (1 - 2 * MARGIN) / float(((high - low) / PLANE).max())
    return {
        "size": PLANE,
        "labels": [LABEL_NAMES[label] for label in labels[order].tolist()],
        "shifted": shifted[order].tolist(),
        "epochs": [((points - (low + high) / 2) * unit + np.array(PLANE) / 2).round(1).tolist() for points in epochs],
    }


def draw_curves(snapshots: Snapshots) -> list[dict[str, Any]]:
    """Build the mean distance of each label in each domain over the epochs."""
    return [
        {
            "label": LABEL_NAMES[label],
            "shifted": place > 0,
            "values": [float(mean_distances(snapshot, domain)[label]) for snapshot in snapshots.epochs],
        }
        for place, domain in enumerate(snapshots.watched)
        for label in LABELS
    ]
