"""Computations of the page Inspect with an adapted detector. Imports PyTorch: import it only after drawing the rest."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.compute import run_of, shared_fit
from app.inspection import ImageScore, as_input, explained, split
from app.server import rules
from app.sources import Source
from app.subjects import Subject, as_item
from gnl_core.adaptation.choice import Ways, warn_of_evidence
from gnl_core.adaptation.domain_map import ChannelMap, apply_channel_map
from gnl_core.adaptation.records import Adaptation
from gnl_core.config import ScoringConfig
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.explanation import trace_values
from gnl_core.finite import check_scores
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.scoring import scoring_batches
from gnl_core.scoring import detect

HASHED: dict[str | type, Any] = {
    ScoringConfig: ScoringConfig.model_dump_json,
    Subject: lambda subject: (subject.digest, subject.path),
}
CURVE_POINTS = 129
BEYOND = 0.1  # of a map's range, by which its curve is drawn beyond either end


class AdaptedScore(NamedTuple):
    """An adapted detector's result for an image, and what was adapted.

    Attributes:
        image_score: Score and map.
        ways: What was chosen, and why.
        threshold: The threshold of adapted scores.
        warning: Why the domain's images are likely to show something else than training images, or None.
        seen: Whether the detector is adapted to this very image.
    """

    image_score: ImageScore
    ways: Ways
    threshold: RecalibratedThreshold
    warning: str | None
    seen: bool


class StageMaps(NamedTuple):
    """One stage's channel maps, and an image's values under them.

    Attributes:
        places: Values along each channel's map, shape (C, P), ascending.
        mapped: What the map makes of them, shape (C, P).
        before: Sorted values of each channel in the image, shape (C, N).
        after: The same as the next stage reads them: mapped, and matched if images are matched, shape (C, N).
        farthest: The channel whose values in the image move most.
    """

    places: NDArray[np.float32]
    mapped: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    farthest: int


class StandardisedMap(NamedTuple):
    """An image's anomaly map before it is standardised, and what is usual at each position; shapes (H', W').

    Attributes:
        before: The map.
        median: Median of the maps of the images adapted to.
        deviation: Their robust standard deviation.
    """

    before: NDArray[np.float32]
    median: NDArray[np.float32]
    deviation: NDArray[np.float32]


class AdaptedReasons(NamedTuple):
    """What adapting did to an image.

    Attributes:
        stages: The channel maps of the three stages; empty if the domain is not matched.
        standardised: The map before it is standardised; None if it is not.
    """

    stages: list[StageMaps]
    standardised: StandardisedMap | None


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def score_adapted(
    source: Source, subject: Subject, scoring: ScoringConfig, *, domain: str, choice: TrayChoice
) -> AdaptedScore:
    """Score an image with a detector adapted to a domain. Do not modify the result.

    Raises:
        ValueError: If the checkpoint cannot be used or adapted, or a score is not finite; the message says why.
    """
    rules.count_computation()
    run, (fit, tray) = run_of(source), shared_fit(source, domain=domain, scoring=scoring, choice=choice)
    batches = scoring_batches([as_item(subject)], run.config)
    ((_, detection),) = detect(run.detector.adapted(fit.adaptation), batches, scoring)
    check_scores(detection.score.numpy(), source=source.weights.parent.name)
    seen = subject.path in {item.path for item in tray.items}
    return AdaptedScore(split(detection)[0], fit.ways, fit.threshold, warn_of_evidence(fit.evidence), seen)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def adapted_reasons(
    source: Source, subject: Subject, scoring: ScoringConfig, *, domain: str, choice: TrayChoice
) -> AdaptedReasons:
    """Compute what adapting did to an image. Do not modify the result.

    Raises:
        ValueError: If the checkpoint cannot be used or adapted, or its method has no stages; the message says why.
    """
    run = run_of(source)
    detector, image = explained(run), as_input(run, subject)
    adaptation = shared_fit(source, domain=domain, scoring=scoring, choice=choice).fit.adaptation
    batches = scoring_batches([as_item(subject)], run.config)
    return AdaptedReasons(
        stages=mapped_stages(detector, image, scoring, adaptation),
        standardised=standardised_map(detector, batches, scoring, adaptation),
    )


def mapped_stages(
    detector: RD4AD, image: torch.Tensor, scoring: ScoringConfig, adaptation: Adaptation
) -> list[StageMaps]:
    """Sample each stage's channel maps, and trace an image's values; empty if the domain is not matched."""
    if adaptation.domain_map is None:
        return []
    matched = detector.adapted(adaptation)
    traced = trace_values(matched, image.to(detector.device), scoring)
    stages = []
    for channel_map, values in zip(adaptation.domain_map.stages, traced, strict=True):
        places, mapped = sample_map(channel_map, strength=adaptation.domain_map.strength)
        moved = (values.after - values.before).abs().mean(dim=1)
        before, after = values.before.cpu().numpy(), values.after.cpu().numpy()
        stages.append(StageMaps(places, mapped, before, after, farthest=int(moved.argmax())))
    return stages


def sample_map(channel_map: ChannelMap, *, strength: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sample each channel's map evenly, a little beyond both of its ends, shapes (C, P)."""
    shares = torch.linspace(-BEYOND, 1 + BEYOND, CURVE_POINTS, device=channel_map.low.device)
    places = channel_map.low[:, None] + (channel_map.high - channel_map.low)[:, None] * shares
    mapped = apply_channel_map(places[None, :, None], channel_map, strength=strength)[0, :, 0]
    return places.cpu().numpy(), mapped.cpu().numpy()


def standardised_map(
    detector: RD4AD, batches: Batches, scoring: ScoringConfig, adaptation: Adaptation
) -> StandardisedMap | None:
    """Compute an image's map before it is standardised; None if it is not."""
    if adaptation.positions is None:
        return None
    ((_, before),) = detect(detector.adapted(adaptation._replace(positions=None)), batches, scoring)
    if before.anomaly_map is None:
        return None
    statistics = adaptation.positions.statistics
    parts = (before.anomaly_map[0, 0], statistics.median, statistics.deviation)
    return StandardisedMap(*(part.cpu().numpy() for part in parts))
