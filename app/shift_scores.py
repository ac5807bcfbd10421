"""Shift scores of domains, which need no labels: saved ones, those measured since the app started, or measured now."""

from __future__ import annotations

from collections.abc import Iterable

from app.checkpoints import Checkpoint, kept_shift_scores, saved_shift_scores
from app.sources import images_key, own_folder, source_of


def shift_score_of(checkpoint: Checkpoint, domain: str) -> float | None:
    """Return the shift score of a domain as saved by `gnl score`, or measure it now.

    In the user's own folder it is always measured, because the images can change.

    Returns:
        The shift score; None if the method or the checkpoint cannot measure it.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    known = known_shift_scores(checkpoint, [domain])
    if known or not checkpoint.has_references:
        return known.get(domain)
    from app.compute import measured_shift  # noqa: PLC0415 (PyTorch takes seconds to import)

    return measured_shift(source_of(checkpoint), domain=domain)


def known_shift_scores(checkpoint: Checkpoint, domains: Iterable[str]) -> dict[str, float | None]:
    """Return the shift scores that are saved or were measured since the app started.

    Returns:
        Domain name to shift score; None if it is known to be not measurable.
    """
    saved = {} if own_folder(checkpoint) else saved_shift_scores(checkpoint.folder.weights, checkpoint.sha256)
    keys = {domain: images_key(source_of(checkpoint), domain=domain) for domain in domains}
    kept = kept_shift_scores()
    return {
        domain: saved[domain] if domain in saved else kept[key]
        for domain, key in keys.items()
        if domain in saved or key in kept
    }
