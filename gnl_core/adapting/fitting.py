"""Estimate an adaptation from images of a domain: the map of its features, the statistics of its anomaly maps."""

from __future__ import annotations

import torch
from torch import Tensor

from gnl_core.adaptation.choice import Ways
from gnl_core.adaptation.domain_map import apply_channel_map, fit_channel_map, spread_excess
from gnl_core.adaptation.positions import fit_positions
from gnl_core.adaptation.records import Adaptation, DomainMap, Positions
from gnl_core.adapting.detecting import detect_all
from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.distribution_matching import sort_features
from gnl_core.models.stages import StageOutput
from gnl_core.models.teachers import Teacher
from gnl_core.scoring import cached_chunk_size


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
