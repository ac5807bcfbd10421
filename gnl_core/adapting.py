"""Adapt a trained detector to a new domain from a few of its images, without training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.adaptation.choice import LEAST_DISPLACEMENT, Evidence, Ways, choose_ways
from gnl_core.adaptation.domain_map import apply_channel_map, fit_channel_map, spread_excess
from gnl_core.adaptation.positions import familiarity, fit_positions, position_agreement, standardise
from gnl_core.adaptation.recalibration import USUAL_AIM, Aim, recalibrate
from gnl_core.adaptation.records import Adaptation, DomainMap, Positions
from gnl_core.anomaly_map import image_score
from gnl_core.config import ScoringConfig
from gnl_core.datasets.region import counted_pixels
from gnl_core.detectors.base import Detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.detectors.references import References
from gnl_core.distribution_matching import sort_features
from gnl_core.models.stages import StageOutput
from gnl_core.models.teachers import Teacher
from gnl_core.records import Detection, RecalibratedThreshold
from gnl_core.scoring import cached_chunk_size, detect_at_precision, join_detections

MOST_FOLDS = 4  # parts that are left out in turn to score images without themselves
MOST_REMOTE = 8  # images whose embeddings are compared with the training images'
FEWEST_TO_STANDARDISE = 3  # so that the deviation of two is left where one is scored without itself


class AdaptationSettings(NamedTuple):
    """How to adapt.

    Attributes:
        ways: Which ways to take; None to choose them by the images.
        aim: What the threshold aims at, and what is known of the images.
    """

    ways: Ways | None = None
    aim: Aim = USUAL_AIM


USUAL_SETTINGS = AdaptationSettings()


class Fit(NamedTuple):
    """A detector's adaptation to a new domain, and what it rests on.

    Attributes:
        adaptation: What to apply.
        ways: What was chosen, and why.
        evidence: What the images show.
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
    training: Tensor | None = None,
    settings: AdaptationSettings = USUAL_SETTINGS,
) -> Fit:
    """Adapt a detector to the domain of some images.

    Args:
        detector: A trained detector in eval mode.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W) with n at least 1.
        scoring: How the adapted detector will score.
        training: A few normal training images, such as eight, of the same shape; None if they are not at hand, which
            leaves the choice with less evidence.
        settings: How to adapt.

    Returns:
        The adaptation, and what it rests on. The order of the images has no influence. An earlier adaptation of the
        detector is replaced.

    Raises:
        ValueError: If there is no image, each image is a single colour, two images or fewer are to be standardised,
            the method cannot be adapted in the ways named, or its checkpoint keeps no references.
    """
    check_images(images, settings.ways)
    detector, images = detector.adapted(Adaptation()), images.to(detector.device)
    unadapted = detect_all(detector, images, scoring)
    domain_map = fit_domain_map(detector, images) if detector.matches else None
    evidence = gather_evidence(
        detector, images, scoring, domain_map=domain_map, anomaly_maps=unadapted.anomaly_map, training=training
    )
    chosen = settings.ways or choose_ways(evidence)
    scores = score_without_themselves(detector, images, scoring, chosen, unadapted=unadapted)
    adaptation = fit_adaptation(
        detector, images, scoring, chosen, domain_map=domain_map, anomaly_maps=unadapted.anomaly_map
    )
    threshold = recalibrate(scores, settings.aim)
    if len(images) == 1 and adaptation != Adaptation():
        threshold = threshold._replace(promised_rate=None)  # of a score without adaptation, the only one there is
    return Fit(adaptation, chosen, evidence, threshold)


def check_images(images: Tensor, ways: Ways | None) -> None:
    """Refuse images from which a detector cannot be adapted; see `adapt`."""
    if not len(images):
        raise ValueError("adapting needs at least one image of the new domain, got none; pass some")
    if (images.amax(dim=(2, 3)) == images.amin(dim=(2, 3))).all():
        raise ValueError(
            "adapting needs images of objects, but each image of the new domain is a single colour; pass other images"
        )
    if ways and ways.standardise and len(images) < FEWEST_TO_STANDARDISE:
        raise ValueError(
            f"standardising anomaly maps needs at least {FEWEST_TO_STANDARDISE} images of the new domain, got "
            f"{len(images)}; pass more, or match the domain instead"
        )


def gather_evidence(  # noqa: PLR0913 (what is known of the images, by keyword)
    detector: Detector,
    images: Tensor,
    scoring: ScoringConfig,
    *,
    domain_map: DomainMap | None,
    anomaly_maps: Tensor | None,
    training: Tensor | None,
) -> Evidence:
    """Measure what decides how to adapt; see `Evidence`.

    The arguments are those of `adapt`, the map of the images' domain, None for a method without a teacher, and their
    anomaly maps.
    """
    if domain_map is None:
        return Evidence(len(images))
    evidence = Evidence(len(images), domain_map.displacement, domain_map.excess)
    if anomaly_maps is None or not detector.reduces_map:
        return evidence
    counted_maps = at_counted(anomaly_maps, scoring)
    evidence = evidence._replace(agreement=position_agreement(counted_maps))
    if training is None or domain_map.displacement[0] < LEAST_DISPLACEMENT:
        return evidence
    training = training.to(detector.device)
    usual = detect_all(detector, training, scoring).anomaly_map
    return evidence._replace(
        familiarity=None if usual is None else familiarity(at_counted(usual, scoring), counted_maps),
        remoteness=measure_remoteness(detector, domain_map, images, training, scoring),
    )


@torch.inference_mode()
def measure_remoteness(
    detector: Detector, domain_map: DomainMap, images: Tensor, training: Tensor, scoring: ScoringConfig
) -> float | None:
    """Measure how far the embeddings of a domain's images lie from the training images', after matching.

    Returns:
        Distance of the means over the training images' standard deviation, both as root mean squares over channels;
        None for a method without an embedding, or where the training images do not vary.
    """
    if not isinstance(detector, RD4AD):
        return None
    adapted = detector.adapted(Adaptation(domain_map))
    shown = content_order(images)[:: -(-len(images) // MOST_REMOTE)]
    here = mean_embeddings(adapted, images[shown], scoring)
    there = mean_embeddings(detector, training, scoring)
    spread = float(there.var(dim=0).mean().sqrt()) if len(there) > 1 else 0.0
    return float((here.mean(dim=0) - there.mean(dim=0)).square().mean().sqrt()) / spread if spread else None


def mean_embeddings(detector: RD4AD, images: Tensor, scoring: ScoringConfig) -> Tensor:
    """Compute each image's embedding, averaged over its positions, shape (n, C)."""
    chunks = torch.split(images, cached_chunk_size(images))
    return torch.cat([detector.embed(chunk, scoring) for chunk in chunks])


def fit_adaptation(  # noqa: PLR0913 (what is known of the images, by keyword)
    detector: Detector,
    images: Tensor,
    scoring: ScoringConfig,
    ways: Ways,
    *,
    domain_map: DomainMap | None = None,
    anomaly_maps: Tensor | None = None,
) -> Adaptation:
    """Estimate what the ways named need. Maps are standardised as they are after the domain is matched.

    Args:
        detector: A trained detector in eval mode, not adapted.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W).
        scoring: How the adapted detector will score.
        ways: How to adapt.
        domain_map: The map of their domain, without matching each image, if at hand.
        anomaly_maps: The images' maps without adaptation, if at hand, shape (n, 1, H, W).

    Raises:
        ValueError: If the method cannot be adapted in these ways, or images are to be matched but not their domain.
    """
    if ways.match_images and not ways.match_domain:
        raise ValueError("images are matched only after their domain; choose match_domain as well as match_images")
    if not ways.match_domain:
        domain_map = None
    elif ways.match_images or domain_map is None:
        domain_map = fit_domain_map(detector, images, ways.match_images)
    matched = Adaptation(domain_map)
    if not ways.standardise:
        return matched
    if ways.match_domain or anomaly_maps is None:
        anomaly_maps = detect_all(detector.adapted(matched), images, scoring).anomaly_map
    if anomaly_maps is None:
        raise ValueError("this method has no anomaly maps, so none can be standardised; match the domain instead")
    return matched._replace(positions=Positions(fit_positions(anomaly_maps)))


@torch.no_grad()  # not inference mode, whose tensors KDAD could not use in the gradient that is its map
def fit_domain_map(detector: Detector, images: Tensor, match_images: bool = False) -> DomainMap:
    """Estimate the map of each stage's features; each stage is encoded from the mapped map of the stage before it.

    Args:
        detector: A detector in eval mode, not adapted.
        images: RGB in [0, 1] of the new domain, shape (n, 3, H, W).
        match_images: Whether images are also matched one by one, with the excess of their spread as strength.

    Raises:
        ValueError: If the method has no teacher, its checkpoint keeps no references, or the images are constant.
    """
    teacher = next((module for module in detector.modules() if isinstance(module, Teacher)), None)
    references = next((module for module in detector.modules() if isinstance(module, References)), None)
    if teacher is None or references is None:
        raise ValueError(
            f"{type(detector).__name__} has no teacher whose features could be matched; recalibrate its threshold alone"
        )
    if not references.count:
        raise ValueError(
            "this checkpoint keeps no references, so no domain can be matched to its training images; "
            "train the run again with --stored-references 1 or more"
        )
    outputs = [StageOutput(teacher.normalise(chunk)) for chunk in torch.split(images, cached_chunk_size(images))]
    fitted = DomainMap((), (), match_images)
    for index, kept in enumerate(references.distinct_stages):
        outputs = [teacher.apply_stage(index, output) for output in outputs]
        encoded = torch.cat([output.features for output in outputs])
        channel_map = fit_channel_map(encoded, kept)
        excess = spread_excess(sort_features(apply_channel_map(encoded, channel_map, strength=1.0)), kept)
        fitted = fitted._replace(stages=(*fitted.stages, channel_map), excess=(*fitted.excess, excess))
        mapped = torch.split(references.adapted(fitted).carry_over(index, encoded), len(outputs[0].features))
        outputs = [output._replace(features=part) for output, part in zip(outputs, mapped, strict=True)]
    return fitted


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


@torch.inference_mode()
def detect_all(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Detection:
    """Score images in chunks and join the results, on the detector's device; all pixels count."""
    chunks: Sequence[Tensor] = torch.split(images, cached_chunk_size(images))
    return join_detections([detect_at_precision(detector, chunk, [scoring])[0] for chunk in chunks])


@torch.inference_mode()
def detect_counted(detector: Detector, images: Tensor, scoring: ScoringConfig) -> Detection:
    """Score images as `detect_all` does, by the pixels that count."""
    return count_detected(detector, detect_all(detector, images, scoring), scoring)


def count_detected(detector: Detector, detection: Detection, scoring: ScoringConfig) -> Detection:
    """Leave out the pixels that do not count; see `Detector.count_only`."""
    counted = None if detection.anomaly_map is None else counted_in(detection.anomaly_map, scoring)
    return detector.count_only(detection, counted, scoring)


def counted_in(anomaly_maps: Tensor, scoring: ScoringConfig) -> Tensor | None:
    """Mark the pixels of maps (n, 1, H, W) that count, shape (1, 1, H, W); None if all do."""
    height, width = anomaly_maps.shape[-2:]
    counted = counted_pixels(scoring.region_of_interest, (height, width))
    return None if counted is None else counted.to(anomaly_maps.device)


def at_counted(anomaly_maps: Tensor, scoring: ScoringConfig) -> Tensor:
    """Return maps (n, 1, H, W) at the K pixels that count, shape (n, 1, 1, K), or as they are if all do."""
    counted = counted_in(anomaly_maps, scoring)
    return anomaly_maps if counted is None else anomaly_maps[..., counted[0, 0]][:, :, None]


def to_numpy(scores: Tensor) -> NDArray[np.float64]:
    """Scores as 64-bit numbers on the CPU."""
    return scores.double().cpu().numpy()
