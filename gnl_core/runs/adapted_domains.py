"""Adapt a run's detector to a domain of its data set, and score the images that it has not seen."""

from __future__ import annotations

from typing import NamedTuple

from gnl_core.adaptation.choice import warn_of_evidence
from gnl_core.adaptation.recalibration import Aim
from gnl_core.adapting import AdaptationSettings, Fit, adapt
from gnl_core.config import ScoringConfig
from gnl_core.datasets.loading import Batches
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.runs.tray_images import load_to_adapt, load_training
from gnl_core.runs.trays import USUAL_ANOMALY_PERCENT, Tray, draw_tray, without
from gnl_core.scoring import score

TRAY_SEED = 0


class DomainFit(NamedTuple):
    """An adaptation to a domain, and the images that it was estimated from."""

    fit: Fit
    tray: Tray


def fit_to_domain(run: Run, domain: str, scoring: ScoringConfig, choice: TrayChoice) -> DomainFit:
    """Draw a tray from a domain and adapt to it.

    Raises:
        ValueError: If the domain has too few images of a kind, or an image cannot be read.
    """
    tray = draw_tray(
        list_domain(run.config, domain), count=choice.size, seed=TRAY_SEED, known_normal=choice.known_normal
    )
    return DomainFit(fit_to_tray(run, tray, scoring), tray)


def fit_to_tray(run: Run, tray: Tray, scoring: ScoringConfig) -> Fit:
    """Adapt to the images of a tray; see `gnl_core.adapting.adapt`."""
    aim = Aim(known_normal=tray.known_normal, anomaly_share=USUAL_ANOMALY_PERCENT / 100)
    return adapt(
        run.detector,
        load_to_adapt(tray.items, run.config),
        scoring,
        training=load_training(run),
        settings=AdaptationSettings(aim=aim),
    )


def batches_without_tray(run: Run, domain: str, tray: Tray) -> Batches:
    """Batch the images of a domain that are not in the tray."""
    return scoring_batches(without(list_domain(run.config, domain), tray), run.config)


def summarise_fit(found: DomainFit, scores: Scores) -> AdaptedScores:
    """Keep what a page shows of an adaptation and of the scores under it."""
    fit, tray = found
    return AdaptedScores(
        ways=fit.ways,
        threshold=fit.threshold,
        warning=warn_of_evidence(fit.evidence),
        tray=tuple(item.path for item in tray.items),
        paths=tuple(scores.path.tolist()),
        score=scores.score,
    )


def adapt_and_score(run: Run, domain: str, scoring: ScoringConfig, choice: TrayChoice) -> AdaptedScores:
    """Adapt to a domain and score its other images.

    Raises:
        ValueError: If the domain has too few images of a kind, or an image cannot be read.
    """
    found = fit_to_domain(run, domain, scoring, choice)
    detector = run.detector.adapted(found.fit.adaptation)
    return summarise_fit(found, score(detector, batches_without_tray(run, domain, found.tray), scoring))
