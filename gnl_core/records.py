"""The nouns of the line of data: what one module hands to the next. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the app's first chart stands before PyTorch is imported
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Some images of a data set, in one or more views.

    Attributes:
        views: View name to RGB images in [0, 1], shape (B, 3, H, W). The view "original" is the
            image itself; others are made by `gnl_core.datasets.views`.
        labels: 0 for normal, 1 for anomalous, shape (B,).
        domains: Domain of each image, such as "digits" or "digits_m".
        categories: What each image shows, such as the digit "4".
        paths: A name that identifies each image within its data set.
        masks: Anomalous pixels, shape (B, 1, H, W) with values 0 and 1, where the data set has them.
    """

    views: dict[str, Tensor]
    labels: Tensor
    domains: tuple[str, ...]
    categories: tuple[str, ...]
    paths: tuple[str, ...]
    masks: Tensor | None = None


class Features(NamedTuple):
    """What reverse distillation makes of a batch, stages ordered from low-level to abstract.

    Attributes:
        teacher: Three stage maps E_k, shapes (B, C_k, H_k, W_k).
        embedding: The one-class embedding, shape (B, C, H', W').
        student: Three reconstructed maps D_k, of the teacher maps' shapes.
    """

    teacher: tuple[Tensor, ...]
    embedding: Tensor
    student: tuple[Tensor, ...]


class Detection(NamedTuple):
    """A detector's answer for a batch; higher means more anomalous.

    Attributes:
        score: One number an image, shape (B,).
        anomaly_map: One number a pixel, shape (B, 1, H, W), or None for a method without maps.
    """

    score: Tensor
    anomaly_map: Tensor | None


@dataclass(frozen=True)
class Scores:
    """One row an image, as parallel columns of length n.

    Attributes:
        score: Anomaly score, higher is more anomalous.
        label: 0 for normal, 1 for anomalous.
        domain: Domain of each image.
        category: What each image shows.
        path: A name that identifies each image within its data set.
    """

    score: NDArray[np.float64]
    label: NDArray[np.int64]
    domain: NDArray[np.str_]
    category: NDArray[np.str_]
    path: NDArray[np.str_]


class DomainReport(NamedTuple):
    """How well the scores of one domain separate normal from anomalous.

    Attributes:
        auroc: Area under the ROC curve in [0, 1]; None when one of the two labels is absent.
        auroc_interval: Bootstrap 95 % interval of the AUROC, or None likewise.
        n_normal: Number of normal images.
        n_anomalous: Number of anomalous images.
    """

    auroc: float | None
    auroc_interval: tuple[float, float] | None
    n_normal: int
    n_anomalous: int


class Report(NamedTuple):
    """One DomainReport a domain, and what the shift costs.

    Attributes:
        domains: Domain name to its report.
        drops: Shifted domain name to the in-distribution AUROC minus its own, where both exist.
    """

    domains: dict[str, DomainReport]
    drops: dict[str, float]


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
