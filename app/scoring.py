"""Scoring requests and their results: the scores of one method in both domains of a view, and their metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.checkpoints import Checkpoint, kept_scores, saved_scores
from app.methods import REVERSE_DISTILLATION, method_title
from app.progress import ALONE, Work
from app.sources import is_current, scores_key, source_of
from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.datasets.base import DatasetSpec
from gnl_core.finite import check_scores
from gnl_core.metrics.image import report_domain
from gnl_core.metrics.map_scale import scale_of_scores
from gnl_core.metrics.threshold import threshold_at
from gnl_core.names import domain_name
from gnl_core.records import DomainReport, Scores
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice
from gnl_core.runs.domains import HELD_OUT, TRAIN


class ScoringRequest(NamedTuple):
    """A checkpoint and the settings to score with it."""

    checkpoint: Checkpoint
    scoring: ScoringConfig

    @property
    def title(self) -> str:
        """The method's name, with the strength of matching if it is on."""
        return method_title(self.checkpoint.config.detector, self.scoring.style_weight)

    def at(self, style_weight: float) -> ScoringRequest:
        """Return the same request at another strength of matching."""
        return self._replace(scoring=self.scoring.model_copy(update={"style_weight": style_weight}))


class DomainResult(NamedTuple):
    """The scores of one domain and their metrics.

    Attributes:
        scores: One row per image.
        report: AUROC, its interval, the counts, and the false alarms and misses at the threshold.
        above: Number of images above the threshold, regardless of their label.
    """

    scores: Scores
    report: DomainReport
    above: int


class AdaptedDomain(NamedTuple):
    """How a method is adapted to the shifted domain of a result.

    Attributes:
        choice: Which images it is adapted to: the tray.
        found: What adapting gave.
        unadapted: The same images, without those of the tray, as the request scores them.
        rows: Their positions in the domain.
    """

    choice: TrayChoice
    found: AdaptedScores
    unadapted: DomainResult
    rows: NDArray[np.intp]


class ScoringResult(NamedTuple):
    """The result of one scoring request.

    Attributes:
        request: The request.
        training: Scores of the normal images that the run learnt from.
        threshold: The run's own quantile (`threshold_quantile`) of the scores of the held-out normal training images,
            or of the images that the run learnt from if it held out none.
        n_held_out: Number of held-out images.
        in_distribution: The domain of the training images.
        shifted: The shifted domain.
        adapted: How the method is adapted to the shifted domain; None if it is not.
    """

    request: ScoringRequest
    training: Scores
    threshold: float
    n_held_out: int
    in_distribution: DomainResult
    shifted: DomainResult
    adapted: AdaptedDomain | None = None

    @property
    def shifted_threshold(self) -> float:
        """The threshold in the shifted domain."""
        return self.adapted.found.threshold.value if self.adapted else self.threshold

    @property
    def shifted_title(self) -> str:
        """The method's name in the shifted domain; where it is adapted, that takes the place of matching."""
        return f"{self.request.at(0.0).title}, adapted" if self.adapted else self.request.title

    @property
    def unadapted(self) -> ScoringResult:
        """The result without adaptation, on the same images."""
        return self._replace(shifted=self.adapted.unadapted, adapted=None) if self.adapted else self

    @property
    def threshold_quantile(self) -> float:
        """Share of the normal images' scores that do not exceed the threshold, in (0, 1)."""
        return self.request.checkpoint.config.threshold_quantile


def make_request(checkpoint: Checkpoint, *, style_weight: float, **settings: object) -> ScoringRequest:
    """Request scores with the run's own settings, except the strength of matching and the given settings."""
    return ScoringRequest(checkpoint, scoring_settings(checkpoint.config, style_weight=style_weight, **settings))


def compute_result(request: ScoringRequest, *, spec: DatasetSpec, shifted: str) -> ScoringResult:
    """Score the training images and both domains, or look up their scores.

    Raises:
        ValueError: If the checkpoint cannot be used; the message says why.
    """
    training = scores_of(request, TRAIN)
    held_out = held_out_scores(request)
    threshold = choose_threshold(request, training, held_out)
    return ScoringResult(
        request=request,
        training=training,
        threshold=threshold,
        n_held_out=len(held_out.score) if held_out else 0,
        in_distribution=measure_domain(scores_of(request, spec.in_distribution), threshold),
        shifted=measure_domain(scores_of(request, shifted), threshold),
    )


def threshold_of(request: ScoringRequest) -> float:
    """Return the score above which a method raises an alarm; raises as `scores_of`."""
    return choose_threshold(request, scores_of(request, TRAIN), held_out_scores(request))


def choose_threshold(request: ScoringRequest, training: Scores, held_out: Scores | None) -> float:
    """Choose the threshold on the held-out normal training images, or if there are none, on the others."""
    return threshold_at((held_out or training).score, quantile=request.checkpoint.config.threshold_quantile)


def map_scale(request: ScoringRequest, training: Scores) -> float:
    """Return the upper end of the colour scale of a method's maps, as `gnl_core.runs.scoring.map_scale` defines it.

    If the score is the map's maximum, saved scores give the same value without the detector.

    Args:
        request: The scoring request.
        training: Scores of the images that the run learnt from.

    Raises:
        ValueError: If the checkpoint cannot be used, or its maps are not finite; the message says why.
    """
    checkpoint, scoring = request
    if checkpoint.config.detector in REVERSE_DISTILLATION and scoring.reduction == "maximum":
        held_out = held_out_scores(request)
        return scale_of_scores(training.score, held_out.score if held_out else None)
    from app.compute import computed_map_scale  # noqa: PLC0415 (PyTorch takes seconds to import)

    return computed_map_scale(source_of(checkpoint), scoring=scoring)


def has_scores(request: ScoringRequest, like: ScoringResult, *, spec: DatasetSpec, shifted: str) -> bool:
    """Return whether all scores of a request are available, given a result for the same checkpoint."""
    held_out = (HELD_OUT,) if like.n_held_out else ()
    domains = (TRAIN, *held_out, spec.in_distribution, shifted)
    return all(present_scores(request, domain) is not None for domain in domains)


def held_out_scores(request: ScoringRequest) -> Scores | None:
    """Return the scores of the normal training images held out for the threshold; None if there are none."""
    if not request.checkpoint.config.holdout_percent:
        return None
    present = present_scores(request, HELD_OUT)
    if present is not None:
        return present
    from gnl_core.runs.images import split_training  # noqa: PLC0415 (PyTorch takes seconds to import)

    _, held_out = split_training(request.checkpoint.config)
    return scores_of(request, HELD_OUT) if held_out else None


def measure_domain(scores: Scores, threshold: float) -> DomainResult:
    """Compute the metrics of one domain, and count the images above the threshold."""
    measured = measure(scores.label, scores.score, threshold=threshold)
    return DomainResult(scores=scores, report=measured, above=int((scores.score > threshold).sum()))


def digest_of(values: NDArray[Any]) -> bytes:
    """Compute the SHA-256 of an array's values; Streamlit's own hash is of a sample if there are 500,000 or more."""
    return hashlib.sha256(values.tobytes()).digest()


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={np.ndarray: digest_of})
def measure(labels: NDArray[np.int64], scores: NDArray[np.float64], *, threshold: float | None = None) -> DomainReport:
    """Compute the metrics of one domain, cached because every rerun of a page needs them."""
    return report_domain(labels, scores, threshold=threshold)


def scores_of(request: ScoringRequest, domain: str) -> Scores:
    """Return available scores, or compute them now.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    (scores,) = scores_of_each([request], domain)
    return scores


def scores_of_each(requests: Sequence[ScoringRequest], domain: str, work: Work = ALONE) -> list[Scores]:
    """Return the scores of one domain for several requests of one checkpoint; missing ones are computed in one pass.

    Args:
        requests: Requests of one checkpoint.
        domain: The domain.
        work: Work before and after this domain that the progress bar includes.

    Raises:
        ValueError: If the checkpoint cannot be used, an image cannot be read, or a score is not finite; the message
            says why.
    """
    available = [present_scores(request, domain) for request in requests]
    missing = [request for request, scores in zip(requests, available, strict=True) if scores is None]
    if missing:
        from app.compute import computed_scores  # noqa: PLC0415 (PyTorch takes seconds to import)

        computed = iter(
            computed_scores(
                source_of(missing[0].checkpoint),
                domain=domain,
                scorings=[request.scoring for request in missing],
                title=f"{' and '.join(request.title for request in missing)}, {domain_name(domain)}",
                work=work,
            )
        )
        available = [next(computed) if scores is None else scores for scores in available]
    results = [scores for scores in available if scores is not None]
    for request, scores in zip(requests, results, strict=True):
        check_scores(scores.score, source=request.checkpoint.folder.path.name)
    return results


def present_scores(request: ScoringRequest, domain: str) -> Scores | None:
    """Return scores saved with the checkpoint or computed since the app started; None if there are none."""
    checkpoint, scoring = request
    saved = current_saved_scores(request, domain)
    if saved is not None:
        return saved
    return kept_scores().get(scores_key(source_of(checkpoint), domain=domain, scoring=scoring))


def current_saved_scores(request: ScoringRequest, domain: str) -> Scores | None:
    """Return scores saved with the checkpoint; None if there are none, or if the images have changed since."""
    checkpoint, scoring = request
    saved = saved_scores(checkpoint.folder.weights, checkpoint.sha256, domain=domain, scoring=scoring)
    return saved if saved is not None and is_current(saved, checkpoint, domain) else None


def ranks(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rank scores from 0, ties in order of appearance; not with SciPy, which takes long to import."""
    return np.argsort(np.argsort(scores, kind="stable"), kind="stable")
