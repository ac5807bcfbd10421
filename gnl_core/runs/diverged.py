"""Whether what a finished training left shows that it diverged: runs of older versions, and files from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gnl_core.finite import REMEDY, DivergedError, describe_scores
from gnl_core.runs.checkpoints import check_finite, read_checkpoint
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import count_diverged_scores


def why_diverged(folder: RunFolder) -> str | None:
    """One sentence if a run's checkpoint or its saved scores are not finite; None if nothing speaks against them."""
    if not folder.weights.exists():
        return None
    facts = folder.weights.stat()
    if not weights_are_finite(folder.weights, facts.st_mtime_ns, facts.st_size):
        return f"this run diverged (its checkpoint holds numbers that are not finite); {REMEDY}"
    count, of = count_diverged_scores(folder)
    return describe_scores(count, of=of) if count else None


@lru_cache(maxsize=1024)
def weights_are_finite(weights: Path, modified_ns: int, size: int) -> bool:
    """Whether a checkpoint holds finite numbers alone, looked at once for each version: lists of runs ask each second.

    A file that cannot be read is not said to have diverged; whoever loads it is told what is wrong.
    """
    try:
        check_finite(weights, read_checkpoint(weights)[1])
    except DivergedError:
        return False
    except ValueError:
        return True
    return True
