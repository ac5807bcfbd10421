"""Detect diverged runs from their files; runs of older versions do not record it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gnl_core.files import Version, version_of
from gnl_core.finite import REMEDY, DivergedError, describe_scores
from gnl_core.runs.checkpoints import check_finite, read_checkpoint
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import count_diverged_scores


def why_diverged(folder: RunFolder) -> str | None:
    """Return one sentence if a run's checkpoint or saved scores are not finite, else None.

    Results are cached per version of the files, since lists of runs refresh every second.

    Raises:
        ValueError: If the checkpoint or the scores cannot be read.
    """
    return find_divergence(folder, weights=version_of(folder.weights), scores=version_of(folder.scores))


@lru_cache(maxsize=1024)
def find_divergence(folder: RunFolder, *, weights: Version | None, scores: Version | None) -> str | None:
    """Return the result of `why_diverged` for these versions of the checkpoint and scores."""
    if weights is None:
        return None
    if not weights_are_finite(folder.weights):
        return f"this run diverged (its checkpoint holds numbers that are not finite); {REMEDY}"
    count, of = count_diverged_scores(folder) if scores is not None else (0, 0)
    return describe_scores(count, of=of) if count else None


def weights_are_finite(weights: Path) -> bool:
    """Return whether all numbers of a checkpoint are finite; raise ValueError if it cannot be read."""
    try:
        check_finite(weights, read_checkpoint(weights)[1])
    except DivergedError:
        return False
    return True
