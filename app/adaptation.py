"""Results of methods that are adapted to a few images of the shifted domain. Nothing here imports PyTorch."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from app.checkpoints import kept_adapted, saved_adapted
from app.progress import ALONE, Work
from app.scoring import AdaptedDomain, ScoringRequest, ScoringResult, measure_domain
from app.sources import adapted_key, own_folder, source_of
from gnl_core.finite import check_scores
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import AdaptedScores, TrayChoice, without_tray


def adapt_result(result: ScoringResult, choice: TrayChoice, *, shifted: str) -> ScoringResult:
    """Adapt a method to the shifted domain; the tray's images are left out of all its numbers.

    The adapted detector scores without matching, because adapting decides what to match.

    Raises:
        ValueError: If the domain has too few images of a kind, or the checkpoint cannot be used; the message says why.
    """
    found = adapted_scores(result.request, choice, like=result.shifted.scores, shifted=shifted)
    return join_adapted(result, choice, found)


def join_adapted(result: ScoringResult, choice: TrayChoice, found: AdaptedScores) -> ScoringResult:
    """Put adapted scores in the place of the shifted domain's.

    Raises:
        ValueError: If a score is not finite.
    """
    every = result.shifted.scores
    check_scores(found.score, source=result.request.checkpoint.folder.path.name)
    rows = without_tray(every, found)
    kept = Scores(**{name: column[rows] for name, column in vars(every).items()})
    return result._replace(
        shifted=measure_domain(dataclasses.replace(kept, score=found.score), found.threshold.value),
        adapted=AdaptedDomain(choice, found, unadapted=measure_domain(kept, result.threshold), rows=rows),
    )


def adapted_scores(
    request: ScoringRequest, choice: TrayChoice, *, like: Scores, shifted: str, work: Work = ALONE
) -> AdaptedScores:
    """Return scores under an adaptation that are available, or compute them now.

    Args:
        request: The checkpoint and the scoring settings; the strength of matching has no effect.
        choice: Which images to adapt to.
        like: The domain's scores without adaptation, which name its images.
        shifted: The domain.
        work: Work before and after this domain that the progress bar includes.
    """
    present = present_adapted(request, choice, like=like, shifted=shifted)
    if present is not None:
        return present
    from app.compute import computed_adapted  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoint, scoring = request.at(0.0)
    return computed_adapted(source_of(checkpoint), domain=shifted, scoring=scoring, choice=choice, work=work)


def present_adapted(request: ScoringRequest, choice: TrayChoice, *, like: Scores, shifted: str) -> AdaptedScores | None:
    """Return scores under an adaptation that are saved or were computed since the app started, or None.

    For the arguments, see `adapted_scores`.
    """
    checkpoint, scoring = request.at(0.0)
    if own_folder(checkpoint) is None:
        weights = checkpoint.folder.weights
        saved = saved_adapted(weights, checkpoint.sha256, domain=shifted, scoring=scoring, choice=choice)
        if saved is not None and is_of(saved, like.path):
            return saved
    return kept_adapted().get(adapted_key(source_of(checkpoint), domain=shifted, scoring=scoring, choice=choice))


def is_of(adapted: AdaptedScores, paths: NDArray[np.str_]) -> bool:
    """Return whether adapted scores are of the domain with these images."""
    return sorted((*adapted.tray, *adapted.paths)) == sorted(paths.tolist())
