"""Computations with a detector. Imports PyTorch: import it only after drawing everything that needs no detector."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.checkpoints import kept_adapted, kept_map_scales, kept_scores, kept_shift_scores, used_engines
from app.methods import method_title
from app.progress import ALONE, Work, stop_if_cancelled, track_progress
from app.server import rules
from app.server.memory import drop_oldest
from app.sources import Source, adapted_key, images_key, scores_key
from app.turns import take_turn
from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Mask
from gnl_core.datasets.fitting import image_as_seen, mask_as_seen
from gnl_core.detectors.base import Detector
from gnl_core.engines import engine_of
from gnl_core.metrics.map_scale import MAP_SCALE_IMAGES
from gnl_core.names import domain_name
from gnl_core.records import Scores
from gnl_core.runs.adapted_domains import DomainFit, batches_without_tray, fit_to_domain, summarise_fit
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import (
    SHIFT_IMAGES,
    Run,
    input_batches,
    load_domain,
    load_run,
    map_scale,
    measure_domain_shift,
    scale_of_images,
    scoring_batches,
)
from gnl_core.scoring import detect, measure_shift, score, score_each

TIMED_IMAGES = 8
Kept = TypeVar("Kept")
LOCK = threading.Lock()  # sessions share the cached results
HASHED: dict[str | type, Any] = {ScoringConfig: ScoringConfig.model_dump_json}


class Tile(NamedTuple):
    """One image and its anomaly map.

    Attributes:
        image: RGB as the detector sees it, but at native size if it is stretched, shape (H, W, 3).
        anomaly_map: At the detector's image size, shape (H', W'), or None for a method without maps.
        mask: Anomalous pixels of the image, shape (H, W), or None if none are marked.
    """

    image: NDArray[np.uint8]
    anomaly_map: NDArray[np.float32] | None
    mask: Mask | None


class Pace(NamedTuple):
    """Seconds that scoring a domain, scoring one image and measuring the domain's shift take."""

    scoring: float
    image: float
    shift: float


@st.cache_resource(max_entries=4, show_spinner=False)
def shared_run(weights: Path, sha256: str) -> Run:
    """Load a checkpoint's detector, once for all sessions. Do not modify it.

    Raises:
        ValueError: If it has been replaced by another.
    """
    run = load_run(RunFolder(weights.parent), engine=rules.engine())
    if run.sha256 != sha256:
        raise ValueError(f"{weights} was replaced while this page was drawn; reload the page")
    used_engines()[sha256] = engine_of(run.detector)
    return run


def run_of(source: Source) -> Run:
    """Return the detector, with the current location of its images."""
    run = shared_run(source.weights, source.sha256)
    return run._replace(config=run.config.model_copy(update={"data_root": source.data_root}))


def computed_scores(
    source: Source, *, domain: str, scorings: Sequence[ScoringConfig], title: str, work: Work = ALONE
) -> list[Scores]:
    """Score a domain in one pass under several scoring settings and cache the scores, with a progress bar.

    Args:
        source: The checkpoint and its images.
        domain: The domain to score.
        scorings: The scoring settings.
        title: Label of the bar.
        work: Work before and after this domain that the bar includes; with other work, the bar has no cancel button.

    Returns:
        The scores under each of the settings.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    keys = [scores_key(source, domain=domain, scoring=scoring) for scoring in scorings]
    cancel_key = keys[0] if work == ALONE else None
    if cancel_key is not None:
        stop_if_cancelled(cancel_key, title=title)
    with take_turn(images_key(source, domain=domain), title=title):  # by then, another session may have computed some
        results = {key: scores for key in keys if (scores := kept_scores().get(key)) is not None}
        missing = {key: scoring for key, scoring in zip(keys, scorings, strict=True) if key not in results}
        if missing:
            run = run_of(source)
            images = load_domain(run, domain)
            rules.count_computation(len(images.items))
            batches = track_progress(images, title=title, work=work, key=cancel_key)
            computed = score_each(run.detector, batches, list(missing.values()))
            for key, scores in zip(missing, computed, strict=True):
                results[key] = scores
                keep(kept_scores(), key, scores)
    return [results[key] for key in keys]


def keep(kept: dict[tuple[str, ...], Kept], key: tuple[str, ...], result: Kept) -> None:
    """Cache a result for all sessions, and drop the oldest ones."""
    most = rules.limits()
    with LOCK:
        kept[key] = result
        drop_oldest(kept, most=most.cache_entries, most_bytes=most.cache_mb * 10**6)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=HASHED)
def shared_fit(source: Source, *, domain: str, scoring: ScoringConfig, choice: TrayChoice) -> DomainFit:
    """Adapt a detector to a domain, once for all sessions. Do not modify it.

    Raises:
        ValueError: If the domain has too few images of a kind, or an image cannot be read.
    """
    return fit_to_domain(run_of(source), domain, scoring, choice)


def computed_adapted(
    source: Source, *, domain: str, scoring: ScoringConfig, choice: TrayChoice, work: Work = ALONE
) -> AdaptedScores:
    """Adapt to a domain, score its other images with a progress bar, and cache the scores.

    Args:
        source: The checkpoint and its images.
        domain: The domain to adapt to.
        scoring: The scoring settings.
        choice: Which of its images to adapt to.
        work: Work before and after this domain that the bar includes; with other work, the bar has no cancel button.

    Raises:
        ValueError: If the domain has too few images of a kind, or an image cannot be read; the message says why.
    """
    key, run = adapted_key(source, domain=domain, scoring=scoring, choice=choice), run_of(source)
    title = f"{method_title(run.config.detector, None)} adapted to {choice.size} images, {domain_name(domain)}"
    if work == ALONE:
        stop_if_cancelled(key, title=title)
    with take_turn(images_key(source, domain=domain), title=title):
        present = kept_adapted().get(key)  # another session may have computed it by now
        if present is not None:
            return present
        rules.count_computation(len(list_domain(run.config, domain)))
        found = shared_fit(source, domain=domain, scoring=scoring, choice=choice)
        batches = track_progress(
            batches_without_tray(run, domain, found.tray), title=title, work=work, key=key if work == ALONE else None
        )
        adapted = summarise_fit(found, score(run.detector.adapted(found.fit.adaptation), batches, scoring))
        keep(kept_adapted(), key, adapted)
    return adapted


def detector_for(source: Source, *, domain: str, scoring: ScoringConfig, choice: TrayChoice | None) -> Detector:
    """Return the detector, adapted to a domain if images to adapt to are chosen."""
    detector = run_of(source).detector
    if choice is None:
        return detector
    found = shared_fit(source, domain=domain, scoring=scoring, choice=choice)
    return detector.adapted(found.fit.adaptation)


def tiles(
    source: Source, *, domain: str, scoring: ScoringConfig, paths: tuple[str, ...], choice: TrayChoice | None = None
) -> list[Tile]:
    """Read images of one domain by their paths, and compute their anomaly maps.

    Args:
        source: The checkpoint and its images.
        domain: The domain.
        scoring: The scoring settings.
        paths: The images.
        choice: Which of the domain's images the detector is adapted to; None to take it as it is.

    Raises:
        ValueError: If an image is missing or cannot be read.
    """
    run = run_of(source)
    detector = detector_for(source, domain=domain, scoring=scoring, choice=choice)
    by_path = {item.path: item for item in list_domain(run.config, domain)}
    for path in paths:
        if path not in by_path:
            raise ValueError(f"{path} was scored, but no longer exists; score the run again with gnl score")
    items = [by_path[path] for path in paths]
    batches = scoring_batches(items, run.config)
    maps = [
        None if detection.anomaly_map is None else detection.anomaly_map[row, 0].numpy()
        for batch, detection in detect(detector, batches, scoring)
        for row in range(len(batch.paths))
    ]
    return [
        Tile(
            image_as_seen(item.read(), run.config),
            anomaly_map,
            mask_as_seen(item.mask(), run.config) if item.mask else None,
        )
        for item, anomaly_map in zip(items, maps, strict=True)
    ]


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def estimate(source: Source, *, domain: str, scorings: Sequence[ScoringConfig]) -> Pace:
    """Estimate from a few images how long it takes to score a domain and to measure its shift.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    run = run_of(source)
    items = list_domain(run.config, domain)
    batches = scoring_batches(items[:TIMED_IMAGES], run.config)
    started = time.perf_counter()
    score_each(run.detector, batches, scorings)
    scored = time.perf_counter()
    measure_shift(run.detector, input_batches(batches.items, run.config))
    measured = time.perf_counter()
    timed = len(batches.items)
    return Pace(
        scoring=(scored - started) / timed * len(items),
        image=(scored - started) / timed,
        shift=(measured - scored) / timed * min(len(items), SHIFT_IMAGES),
    )


def measured_shift(source: Source, *, domain: str) -> float | None:
    """Measure and cache the shift score of a domain; None if the checkpoint cannot measure it.

    Raises:
        ValueError: If an image cannot be read.
    """
    key, run = images_key(source, domain=domain), run_of(source)
    title = f"{method_title(run.config.detector, None)}, shift score of {domain_name(domain)}"
    with take_turn(key, title=title):
        if key not in kept_shift_scores():  # another session may have measured it by now
            rules.count_computation()
            keep(kept_shift_scores(), key, measure_domain_shift(run, domain))
        return kept_shift_scores().get(key)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def computed_map_scale(source: Source, *, scoring: ScoringConfig) -> float:
    """Compute the upper end of the colour scale of a method's maps, as `gnl_core.runs.scoring.map_scale` defines it.

    Raises:
        ValueError: If the checkpoint cannot be used, an image cannot be read, or the maps are not finite; the message
            says why.
    """
    return map_scale(run_of(source), scoring)


def computed_domain_scale(
    source: Source, *, domain: str, scoring: ScoringConfig, choice: TrayChoice | None = None
) -> float:
    """Compute and cache the upper end of the colour scale of a domain's own maps.

    Args:
        source: The checkpoint and its images.
        domain: The domain.
        scoring: The scoring settings.
        choice: Which of the domain's images the detector is adapted to; None to take it as it is.

    Raises:
        ValueError: If an image cannot be read, or the maps are not finite; the message says why.
    """
    key = (*scores_key(source, domain=domain, scoring=scoring), repr(choice))
    if key not in kept_map_scales():
        with take_turn(images_key(source, domain=domain), title=f"Scale of the maps, {domain_name(domain)}"):
            run = run_of(source)
            items = list_domain(run.config, domain)
            rules.count_computation(min(len(items), MAP_SCALE_IMAGES))
            detector = detector_for(source, domain=domain, scoring=scoring, choice=choice)
            keep(kept_map_scales(), key, scale_of_images(detector, items, run.config, scoring))
    return kept_map_scales()[key]
