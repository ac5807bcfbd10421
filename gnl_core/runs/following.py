"""Score the images of a line in order of time, and choose the fixed threshold that following starts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gnl_core.adaptation.following import FixedThreshold
from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.layout import UNLABELLED_CATEGORY, image_item, require_images
from gnl_core.datasets.ordering import Order, order_files
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import Scores
from gnl_core.runs.evaluation import score_held_out
from gnl_core.runs.followed import ScoredLine
from gnl_core.runs.scoring import Run, input_batches
from gnl_core.scoring import explain_missing_shift, measure_shift

DOMAIN = "line"  # of the images that are followed


def measure_line(run: Run, items: Sequence[Item], scores: Scores, *, fixed: FixedThreshold, block: int) -> ScoredLine:
    """Add to the scores of a line's images the shift score of each block of them.

    Args:
        run: The run that scored them.
        items: The images, in order of time.
        scores: Their scores.
        fixed: The run's own threshold.
        block: Number of images per shift score.
    """
    blocks = [items[start : start + block] for start in range(0, len(items), block)]
    return ScoredLine(
        names=tuple(item.path for item in items),
        score=scores.score,
        fixed=fixed,
        block=block,
        shift_scores=tuple(measure_shift(run.detector, input_batches(part, run.config)) for part in blocks),
        no_shift_score=explain_missing_shift(run.detector),
    )


def list_line(folder: Path, *, order: Order, workers: int = 0) -> tuple[list[Item], list[str]]:
    """List the images directly in a folder in order of time, leaving out those that cannot be read.

    Returns:
        The images, and a sentence on each one that cannot be read.

    Raises:
        ValueError: If there are no images, none can be read, or one has no date and the order needs it.
    """
    items = [
        image_item(path, base=folder, label=UNLABELLED, domain=DOMAIN, category=UNLABELLED_CATEGORY)
        for path in require_images(folder, root=folder)
    ]
    readable, problems = leave_out_broken(items, workers=workers)
    by_file = {item.file: item for item in readable if item.file}
    return [by_file[path] for path in order_files(list(by_file), order)], problems


def fix_threshold(run: Run, scoring: ScoringConfig, *, quantile: float) -> FixedThreshold:
    """Choose the fixed threshold on a run's held-out images.

    Raises:
        ValueError: If there are none, or one of their scores is not finite.
    """
    reasons: list[str] = []
    held_out = score_held_out(run, scoring, explain=reasons.append)
    if held_out is None:
        raise ValueError(f"there is no fixed threshold to start from: {reasons[0].removeprefix('no threshold: ')}")
    threshold = choose_threshold(held_out, quantile=quantile)
    if threshold.value is None:
        raise ValueError(
            f"there is no fixed threshold to start from: {threshold.n_not_finite} of {threshold.n_held_out} held-out "
            "images have scores that are not finite; train the run again with a smaller --learning-rate"
        )
    return FixedThreshold(threshold.value, float(np.median(held_out.score)), quantile, threshold.n_held_out)
