"""Detect diverged runs from their files; runs of older versions do not record it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gnl_core.files import Version, read_arrays, read_metadata, version_of
from gnl_core.finite import REMEDY, all_finite, describe_scores
from gnl_core.runs.checkpoint_header import FORMAT, Described
from gnl_core.runs.folder import MOST_KEPT, RunFolder
from gnl_core.runs.headers import read_described
from gnl_core.runs.scores import count_diverged_scores


def why_diverged(folder: RunFolder, *, weights_checked: bool = False) -> str | None:
    """Return one sentence if a run's checkpoint or saved scores are not finite, else None.

    Results are cached per version of the files, since lists of runs refresh every second.

    Args:
        folder: The run.
        weights_checked: Whether the checkpoint is known to be finite; of its file, only header and size are then read.

    Raises:
        ValueError: If the checkpoint or the scores cannot be read.
    """
    weights, scores = version_of(folder.weights), version_of(folder.scores)
    return find_divergence(folder, weights=weights, scores=scores, weights_checked=weights_checked)


@lru_cache(maxsize=MOST_KEPT)
def find_divergence(
    folder: RunFolder, *, weights: Version | None, scores: Version | None, weights_checked: bool
) -> str | None:
    """Return the result of `why_diverged` for these versions of the checkpoint and scores."""
    if weights is None:
        return None
    if weights_checked:
        read_described(folder.weights, FORMAT, Described, read=read_metadata)
    elif not weights_are_finite(folder.weights):
        return f"this run diverged (its checkpoint holds numbers that are not finite); {REMEDY}"
    count, of = count_diverged_scores(folder) if scores is not None else (0, 0)
    return describe_scores(count, of=of) if count else None


def weights_are_finite(weights: Path) -> bool:
    """Return whether all numbers of a checkpoint are finite; raise ValueError if it cannot be read."""
    _, arrays = read_described(weights, FORMAT, Described, read=read_arrays)
    return all(map(all_finite, arrays.values()))
