"""Score images by cross-validation: each with an adaptation to the others alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.adaptation.choice import Ways
from gnl_core.adaptation.positions import fit_positions, standardise
from gnl_core.adapting.detecting import count_detected, counted_in, detect_counted, to_numpy
from gnl_core.adapting.fitting import fit_adaptation
from gnl_core.anomaly_map import image_score
from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.records import Detection

MOST_FOLDS = 4  # parts that are left out in turn to score images without themselves


def score_without_themselves(
    detector: Detector, images: Tensor, scoring: ScoringConfig, ways: Ways, *, unadapted: Detection
) -> NDArray[np.float64]:
    """Score each image after adapting to the others alone.

    Images that an adaptation has seen score too low under it, and a threshold chosen on them raises too many alarms.
    The images are left out in up to four parts. A single image is scored without adaptation, which tells little
    about adapted scores.

    Args:
        detector: A trained detector in eval mode, not adapted.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W).
        scoring: How the adapted detector will score.
        ways: How to adapt.
        unadapted: The images' scores and maps without adaptation.

    Returns:
        Scores, shape (n,).
    """
    if len(images) == 1 or not (ways.match_domain or ways.standardise):
        return to_numpy(count_detected(detector, unadapted, scoring).score)
    scores = np.empty(len(images))
    for left_out, others in folds(images):
        if ways.match_domain or unadapted.anomaly_map is None or not detector.reduces_map:
            adaptation = fit_adaptation(detector, images[others], scoring, ways)
            left_score = detect_counted(detector.adapted(adaptation), images[left_out], scoring).score
        else:  # the maps are those without adaptation
            statistics = fit_positions(unadapted.anomaly_map[others])
            standardised = standardise(unadapted.anomaly_map[left_out], statistics, strength=1.0)
            left_score = image_score(
                standardised,
                reduction=scoring.reduction,
                top_percent=scoring.top_percent,
                counted=counted_in(standardised, scoring),
            )
        scores[left_out] = to_numpy(left_score)
    return scores


def content_order(images: Tensor) -> NDArray[np.intp]:
    """Positions of images in an order that depends on their contents and not on their order, shape (n,)."""
    return np.argsort(images.double().mean(dim=(1, 2, 3)).cpu().numpy(), kind="stable")


def folds(images: Tensor) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split images into up to four parts; yield the positions of each part with those of the other images.

    The parts depend on the images' contents and not on their order.
    """
    order = content_order(images)
    for part in range(min(MOST_FOLDS, len(images))):
        left_out = order[part::MOST_FOLDS]
        yield left_out, np.setdiff1d(order, left_out)
