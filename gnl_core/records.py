"""Records that modules exchange, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the app draws its first chart before PyTorch is imported
    from torch import Tensor


class Tiling(NamedTuple):
    """The tiles that images of one size are cut into, all of one size and within the image.

    Attributes:
        size: Height and width of a tile in pixels.
        tops: The first pixel row of each row of tiles.
        lefts: The first pixel column of each column of tiles.
    """

    size: tuple[int, int]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """Images of a data set, in one or more views.

    Attributes:
        views: View name to RGB images in [0, 1], shape (B, 3, H, W). The view "original" is the
            image itself; others are made by `gnl_core.datasets.views`.
        labels: 0 for normal, 1 for anomalous, -1 for unlabelled, shape (B,).
        domains: Domain of each image, such as "digits" or "digits_m".
        categories: What each image shows, such as the digit "4".
        paths: A name that identifies each image within its data set.
        masks: Anomalous pixels, shape (B, 1, H, W) with values 0 and 1; None without masks.
        content: True for the pixels that belong to an image and not to its border, shape (B, 1, H, W); None if no
            image has a border.
        tiling: The tiles in which images are scored; None if they are scored whole.
    """

    views: dict[str, Tensor]
    labels: Tensor
    domains: tuple[str, ...]
    categories: tuple[str, ...]
    paths: tuple[str, ...]
    masks: Tensor | None = None
    content: Tensor | None = None
    tiling: Tiling | None = None


class Features(NamedTuple):
    """Features of a batch in reverse distillation, stages ordered from low-level to abstract.

    Attributes:
        teacher: Three stage maps E_k, shapes (B, C_k, H_k, W_k).
        embedding: The one-class embedding, shape (B, C, H', W').
        student: Three reconstructed maps D_k, of the teacher maps' shapes.
    """

    teacher: tuple[Tensor, ...]
    embedding: Tensor
    student: tuple[Tensor, ...]


class Detection(NamedTuple):
    """A detector's result for a batch; higher means more anomalous.

    Attributes:
        score: One number per image, shape (B,).
        anomaly_map: One number per pixel, shape (B, 1, H, W), or None for a method without maps.
        counted: True for the pixels that count, shape (B or 1, 1, H, W), outside of which the map is 0; None if all
            pixels count, or before `Detector.count_only`.
    """

    score: Tensor
    anomaly_map: Tensor | None
    counted: Tensor | None = None


@dataclass(frozen=True)
class Scores:
    """One row per image, as parallel columns of length n.

    Attributes:
        score: Anomaly score, higher is more anomalous.
        label: 0 for normal, 1 for anomalous, -1 for unlabelled.
        domain: Domain of each image.
        category: What each image shows.
        path: A name that identifies each image within its data set.
    """

    score: NDArray[np.float64]
    label: NDArray[np.int64]
    domain: NDArray[np.str_]
    category: NDArray[np.str_]
    path: NDArray[np.str_]


@dataclass(frozen=True)
class PixelScores:
    """Pixels of anomaly maps, divided by their masks, at the detector's image size; n normal and m marked pixels.

    Attributes:
        normal: Values of unmarked pixels, shape (n,).
        anomalous: Values of marked pixels, shape (m,).
        region_size: Size in pixels of each marked pixel's connected region, shape (m,).
        n_without_mask: Number of images left out because they are not normal and have no marked pixel that counts.
        n_not_finite: Number of pixels of the other images that are not finite.
    """

    normal: NDArray[np.float32]
    anomalous: NDArray[np.float32]
    region_size: NDArray[np.int64]
    n_without_mask: int
    n_not_finite: int = 0


class PixelReport(NamedTuple):
    """Pixel metrics of one domain.

    The metrics are None if there are no maps or no masks, or if a map is not finite.

    Attributes:
        pixel_auroc: AUROC of single pixels.
        pixel_average_precision: Average precision of single pixels.
        aupro: Per-region overlap, integrated to 30 % false positives and divided by that.
        n_without_mask: Number of images left out because they are not normal and have no marked pixel.
        n_pixels_not_finite: Number of map pixels that are not finite; if there is any, the domain has no pixel metrics.
    """

    pixel_auroc: float | None = None
    pixel_average_precision: float | None = None
    aupro: float | None = None
    n_without_mask: int = 0
    n_pixels_not_finite: int = 0


class Threshold(NamedTuple):
    """The score above which an image is called anomalous, chosen on held-out normal training images only.

    Attributes:
        value: The score; None if the run holds out no images, or if one of their scores is not finite.
        quantile: Share of the held-out images' scores that do not exceed it, in (0, 1).
        n_held_out: Number of held-out images.
        n_not_finite: Number of their scores that are not finite.
    """

    value: float | None
    quantile: float
    n_held_out: int
    n_not_finite: int = 0


class RecalibratedThreshold(NamedTuple):
    """The threshold of a detector that is adapted to a new domain, chosen on a few images of that domain.

    Attributes:
        value: The score above which an image is called anomalous.
        n: Number of images that it was chosen from.
        promised_rate: Largest mean rate of false alarms on images like these, in (0, 1); None where nothing can be
            promised, because the images are unlabelled, or a single one is both adapted to and scored.
        assumed_share: Assumed share of anomalies among unlabelled images, in [0, 1); None for normal images.
    """

    value: float
    n: int
    promised_rate: float | None
    assumed_share: float | None


class DomainReport(NamedTuple):
    """Metrics of one domain; all but the shift score are in [0, 1].

    A domain with a score that is not finite has no score metrics.

    Attributes:
        auroc: Area under the ROC curve; None if one of the two labels is absent.
        auroc_interval: 95 % interval of the AUROC over test images (`gnl_core.metrics.intervals`), or None likewise.
        n_normal: Number of normal images.
        n_anomalous: Number of anomalous images.
        n_unlabelled: Number of unlabelled images, which are left out of the metrics.
        average_precision: Area under the precision-recall curve as a sum of steps, or None likewise.
        f1: F1 of the anomalies at the threshold; None without a threshold, or likewise.
        false_alarm_rate: Share of normal images above the threshold; None without a threshold or normal images.
        miss_rate: Share of anomalous images not above it; None without a threshold or anomalous images.
        shift_score: Distance of the domain from the training images, measured without labels, 0 or more; None for a
            method without a teacher, or if not measured.
        n_not_finite: Number of scores that are not finite, of labelled and unlabelled images.
        pixel_auroc: As in PixelReport, and so are the next four.
        n_equal_to_training: Number of images that equal a training image, which makes metrics too high; None if not
            compared.
    """

    auroc: float | None
    auroc_interval: tuple[float, float] | None
    n_normal: int
    n_anomalous: int
    n_unlabelled: int = 0
    average_precision: float | None = None
    f1: float | None = None
    false_alarm_rate: float | None = None
    miss_rate: float | None = None
    shift_score: float | None = None
    n_not_finite: int = 0
    pixel_auroc: float | None = None
    pixel_average_precision: float | None = None
    aupro: float | None = None
    n_without_mask: int = 0
    n_pixels_not_finite: int = 0
    n_equal_to_training: int | None = None


class Report(NamedTuple):
    """One DomainReport per domain, and the AUROC drops under shift.

    Attributes:
        domains: Domain name to its report.
        drops: Shifted domain name to the in-distribution AUROC minus its own, where both exist.
        threshold: The threshold behind F1, false alarms and misses; None without a threshold.
        no_shift_score: Reason why a method that supports shift scores has none; None if it has them, or does not
            support them.
    """

    domains: dict[str, DomainReport]
    drops: dict[str, float]
    threshold: Threshold | RecalibratedThreshold | None = None
    no_shift_score: str | None = None


class EpochRecord(NamedTuple):
    """One epoch of training.

    Attributes:
        epoch: Number of the epoch, from 1.
        losses: Mean of each named, weighted loss term over the epoch's batches.
        elapsed_seconds: Time since training began, preparation included.
    """

    epoch: int
    losses: dict[str, float]
    elapsed_seconds: float


class TrainingStep(NamedTuple):
    """One batch of training.

    Attributes:
        epoch: Number of its epoch, from 1.
        step: Number of the batch in it, from 1.
        steps: Number of batches per epoch.
        images: Number of images in the batch, over all processes.
        losses: The batch's value of each named, weighted loss term.
        record: Record of the epoch, if this was its last batch.
    """

    epoch: int
    step: int
    steps: int
    images: int
    losses: dict[str, float]
    record: EpochRecord | None
