"""Adapt a trained detector to a new domain from a few of its images, without training."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from gnl_core.adaptation.choice import Evidence, Ways, choose_ways
from gnl_core.adaptation.recalibration import USUAL_AIM, Aim, recalibrate
from gnl_core.adaptation.records import Adaptation
from gnl_core.adapting.cross_validation import score_without_themselves
from gnl_core.adapting.detecting import detect_all
from gnl_core.adapting.evidence import gather_evidence
from gnl_core.adapting.fitting import fit_adaptation, fit_domain_map
from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.records import RecalibratedThreshold

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
