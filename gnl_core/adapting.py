"""Adapt a trained detector to a new domain from a few of its images, without training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.adaptation.choice import Evidence, Ways, choose_ways
from gnl_core.adaptation.domain_map import apply_channel_map, fit_channel_map
from gnl_core.adaptation.positions import fit_positions, position_agreement
from gnl_core.adaptation.recalibration import RecalibratedThreshold, assumed_threshold, conformal_threshold
from gnl_core.adaptation.records import Adaptation, DomainMap, Positions
from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.models.teachers import Teacher
from gnl_core.records import Detection
from gnl_core.scoring import cached_chunk_size, detect_at_precision, join_detections

MOST_FOLDS = 4  # parts that are left out in turn to score images without themselves


class Fit(NamedTuple):
    """A detector's adaptation to a new domain, and what it rests on.

    Attributes:
        adaptation: What to apply.
        ways: What was chosen, and why.
        evidence: What the images showed.
        threshold: The threshold of the adapted scores.
    """

    adaptation: Adaptation
    ways: Ways
    evidence: Evidence
    threshold: RecalibratedThreshold


def adapt(
    detector: Detector,
    images: Tensor,
    scoring: ScoringConfig,
    *,
    ways: Ways | None = None,
    known_normal: bool = False,
    false_alarm_rate: float = 0.05,
    anomaly_share: float = 0.1,
) -> Fit:
    """Adapt a detector to the domain of some images.

    Args:
        detector: A trained detector in eval mode.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W) with n at least 1.
        scoring: How the adapted detector will score.
        ways: How to adapt; None to choose by the images.
        known_normal: Whether all images are known to be normal; the threshold then has a promise.
        false_alarm_rate: Rate of false alarms that the threshold aims at, in (0, 1).
        anomaly_share: Assumed share of anomalies among images that are not known to be normal, in [0, 1).

    Raises:
        ValueError: If there is no image, all features are constant, or the method cannot be adapted in the ways named.
    """
    if not len(images):
        raise ValueError("adapting needs at least one image of the new domain, got none; pass some")
    images = images.to(detector.device)
    unadapted = detect_all(detector, images, scoring)
    domain_map = fit_domain_map(detector, images) if detector.matches else None
    evidence = gather_evidence(len(images), domain_map, unadapted.anomaly_map if detector.reduces_map else None)
    chosen = choose_ways(evidence) if ways is None else ways
    scores = score_without_themselves(detector, images, scoring, chosen, unadapted=unadapted)
    threshold = (
        conformal_threshold(scores, false_alarm_rate=false_alarm_rate)
        if known_normal
        else assumed_threshold(scores, false_alarm_rate=false_alarm_rate, anomaly_share=anomaly_share)
    )
    adaptation = fit_adaptation(detector, images, scoring, chosen, anomaly_maps=unadapted.anomaly_map)
    return Fit(adaptation, chosen, evidence, threshold)


def gather_evidence(count: int, domain_map: DomainMap | None, anomaly_maps: Tensor | None) -> Evidence:
    """Measure what decides how to adapt.

    Args:
        count: Number of images.
        domain_map: What was estimated from them; None for a method without a teacher, which shows no displacement.
        anomaly_maps: Their maps without adaptation, shape (n, 1, H, W); None for a method that cannot standardise them.
    """
    displacement = () if domain_map is None else domain_map.displacement
    return Evidence(count, displacement, None if anomaly_maps is None else position_agreement(anomaly_maps))


def fit_adaptation(
    detector: Detector, images: Tensor, scoring: ScoringConfig, ways: Ways, *, anomaly_maps: Tensor | None = None
) -> Adaptation:
    """Estimate what the ways named need. Maps are standardised as they are after the domain is matched.

    Args:
        detector: A trained detector in eval mode, not adapted.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W).
        scoring: How the adapted detector will score.
        ways: How to adapt.
        anomaly_maps: The images' maps without adaptation, if at hand, shape (n, 1, H, W).
    """
    matched = Adaptation(fit_domain_map(detector, images) if ways.match_domain else None)
    if not ways.standardise:
        return matched
    if ways.match_domain or anomaly_maps is None:
        anomaly_maps = detect_all(detector.adapted(matched), images, scoring).anomaly_map
    if anomaly_maps is None:
        raise ValueError("this method has no anomaly maps, so none can be standardised; match the domain instead")
    return matched._replace(positions=Positions(fit_positions(anomaly_maps)))


@torch.inference_mode()
def fit_domain_map(detector: Detector, images: Tensor) -> DomainMap:
    """Estimate the map of each stage's features; each stage is encoded from the mapped map of the stage before it.

    Raises:
        ValueError: If the method has no teacher, its checkpoint keeps no references, or the images are constant.
    """
    teacher = next((module for module in detector.modules() if isinstance(module, Teacher)), None)
    references = next((module for module in detector.modules() if isinstance(module, References)), None)
    if teacher is None or references is None:
        raise ValueError(f"{type(detector).__name__} has no teacher whose features could be matched")
    if not references.count:
        raise ValueError(
            "this checkpoint keeps no references, so no domain can be matched to its training images; "
            "train the run again with --stored-references 1 or more"
        )
    parts = [teacher.normalise(chunk) for chunk in images.split(cached_chunk_size(images))]
    stages = []
    for index, kept in enumerate(references.distinct_stages):
        parts = [teacher.apply_stage(index, part) for part in parts]
        stages.append(fit_channel_map(torch.cat(parts), kept))
        parts = [apply_channel_map(part, stages[-1], strength=1.0) for part in parts]
    return DomainMap(tuple(stages))


def score_without_themselves(
    detector: Detector, images: Tensor, scoring: ScoringConfig, ways: Ways, *, unadapted: Detection
) -> NDArray[np.float64]:
    """Score each image after adapting to the others alone.

    Images that an adaptation has seen score too low under it, and a threshold chosen on them raises too many alarms.
    The images are left out in up to four parts; a single image is scored without adaptation.

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
        return to_numpy(unadapted.score)
    scores = np.empty(len(images))
    for left_out, others in folds(images):
        maps = None if unadapted.anomaly_map is None else unadapted.anomaly_map[others]
        adaptation = fit_adaptation(detector, images[others], scoring, ways, anomaly_maps=maps)
        scores[left_out] = to_numpy(detect_all(detector.adapted(adaptation), images[left_out], scoring).score)
    return scores


def folds(images: Tensor) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split images into up to four parts; yield the positions of each part with those of the other images.

    The parts depend on the images' contents and not on their order.
    """
    order = np.argsort(images.double().mean(dim=(1, 2, 3)).cpu().numpy(), kind="stable")
    for part in range(min(MOST_FOLDS, len(images))):
        left_out = order[part::MOST_FOLDS]
        yield left_out, np.setdiff1d(order, left_out)


@torch.inference_mode()
def detect_all(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Detection:
    """Score images in chunks and join the results, on the detector's device."""
    chunks: Sequence[Tensor] = images.split(cached_chunk_size(images))
    return join_detections([detect_at_precision(detector, chunk, [scoring])[0] for chunk in chunks])


def to_numpy(scores: Tensor) -> NDArray[np.float64]:
    """Scores as 64-bit numbers on the CPU."""
    return scores.double().cpu().numpy()
