"""Whether what a finished training left shows that it diverged: runs of older versions, and files from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gnl_core.finite import REMEDY, DivergedError, describe_scores
from gnl_core.runs.checkpoints import check_finite, read_checkpoint
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import count_diverged_scores

Version = tuple[int, int]  # of a file: when it was last modified, in nanoseconds, and its size in bytes


def why_diverged(folder: RunFolder) -> str | None:
    """One sentence if a run's checkpoint or its saved scores are not finite; None if nothing speaks against them.

    The files are read once for each version of them, since lists of runs ask every second.
    """
    return find_reason(folder, weights=version_of(folder.weights), scores=version_of(folder.scores))


def version_of(file: Path) -> Version | None:
    """What tells a file's contents from earlier ones without reading them; None if there is no such file."""
    try:
        facts = file.stat()
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_size


@lru_cache(maxsize=1024)
def find_reason(folder: RunFolder, *, weights: Version | None, scores: Version | None) -> str | None:
    """The answer of `why_diverged` for these versions of the run's checkpoint and scores."""
    if weights is None:
        return None
    if not weights_are_finite(folder.weights):
        return f"this run diverged (its checkpoint holds numbers that are not finite); {REMEDY}"
    count, of = count_diverged_scores(folder) if scores is not None else (0, 0)
    return describe_scores(count, of=of) if count else None


def weights_are_finite(weights: Path) -> bool:
    """Whether all numbers of a checkpoint are finite.

    True also for a file that cannot be read: loading it reports what is wrong.
    """
    try:
        check_finite(weights, read_checkpoint(weights)[1])
    except DivergedError:
        return False
    except ValueError:
        return True
    return True
