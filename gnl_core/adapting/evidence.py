"""Measure what decides how to adapt a detector to some images."""

from __future__ import annotations

import torch
from torch import Tensor

from gnl_core.adaptation.choice import LEAST_DISPLACEMENT, Evidence
from gnl_core.adaptation.positions import familiarity, position_agreement
from gnl_core.adaptation.records import Adaptation, DomainMap
from gnl_core.adapting.cross_validation import content_order
from gnl_core.adapting.detecting import at_counted, detect_all
from gnl_core.config import ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.scoring import cached_chunk_size

MOST_REMOTE = 8  # images whose embeddings are compared with the training images'


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
