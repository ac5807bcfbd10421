"""The engines that computed the scores on a page."""

from __future__ import annotations

from collections.abc import Iterable

from app.checkpoints import Checkpoint, saved_engines, used_engines
from app.scoring import ScoringRequest, current_saved_scores


def engines_behind(request: ScoringRequest, domains: Iterable[str]) -> set[str]:
    """Return the engines that computed the available scores of some domains, as far as they are known."""
    return {engine for domain in domains for engine in engines_of(request, domain)}


def engines_of(request: ScoringRequest, domain: str) -> set[str]:
    """Return the engines that computed the scores of one domain, saved ones or those that this app computed."""
    checkpoint, scoring = request
    if current_saved_scores(request, domain) is None:
        return engines_here(checkpoint)
    return saved_engines(checkpoint.folder.weights, checkpoint.sha256, domain=domain, scoring=scoring)


def engines_here(checkpoint: Checkpoint) -> set[str]:
    """Return what computes the teacher of a checkpoint in this app; nothing if the checkpoint was not loaded."""
    used = used_engines().get(checkpoint.sha256)
    return set() if used is None else {used}
