"""Follow a drifting line with a trained run: score images in order of time under a fixed and a following threshold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field

from gnl_core.adaptation.following import Block, FixedThreshold, Following, cut_blocks, follow
from gnl_core.config import ScoringConfig
from gnl_core.config.validation import SettingsRecord
from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.layout import UNLABELLED_CATEGORY, image_item, require_images
from gnl_core.datasets.ordering import Order, order_files
from gnl_core.files.writing import write_atomically
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import Scores
from gnl_core.runs.evaluation import score_held_out
from gnl_core.runs.scoring import Run, input_batches
from gnl_core.scoring import explain_missing_shift, measure_shift
from gnl_core.tables import csv_cell

if TYPE_CHECKING:
    import pandas as pd

DOMAIN = "line"  # of the images that are followed


class FollowSettings(SettingsRecord):
    """How a threshold follows the line, and how the images are ordered and reported."""

    window: int = Field(100, ge=2, description="Number of last images without an alarm whose median is followed")
    minimum: int = Field(
        20, ge=2, description="Number of such images before which the fixed threshold stays in force, at most --window"
    )
    at_most: float = Field(
        1.0,
        ge=0,
        description="Limit to the rise of the following threshold, in margins: distances of the fixed threshold above "
        "the median of the held-out images. At 1, the usual image scores as high as the fixed threshold",
    )
    order: Order = Field(
        "name",
        description="Order of time: by file name (2 before 10), by the date in the name or else in EXIF, or by when "
        "the file was last changed",
    )
    block: int = Field(50, ge=1, description="Number of images per line of the table and per shift score")


class FollowedLine(NamedTuple):
    """The images of a line in order of time.

    Attributes:
        names: File name of each image.
        following: Scores and thresholds, one row per image.
        blocks: The images in blocks.
        shift_scores: Shift score of each block; None where there is none.
        no_shift_score: The reason if a method that supports shift scores has none.
        settings: How the line was followed.
    """

    names: tuple[str, ...]
    following: Following
    blocks: tuple[Block, ...]
    shift_scores: tuple[float | None, ...]
    no_shift_score: str | None
    settings: FollowSettings


def follow_line(
    run: Run,
    items: Sequence[Item],
    scores: Scores,
    *,
    fixed: FixedThreshold,
    settings: FollowSettings,
) -> FollowedLine:
    """Let a threshold follow the images of a line, and measure the shift score of each block of them.

    Args:
        run: The run that scored them.
        items: The images, in order of time.
        scores: Their scores.
        fixed: The run's own threshold.
        settings: How to follow.

    Raises:
        ValueError: As for `follow`.
    """
    following = follow(
        scores.score, fixed, window=settings.window, minimum=settings.minimum, most_drift=settings.at_most
    )
    blocks = cut_blocks(following, size=settings.block)
    return FollowedLine(
        names=tuple(item.path for item in items),
        following=following,
        blocks=tuple(blocks),
        shift_scores=tuple(
            measure_shift(run.detector, input_batches(items[block.start : block.stop], run.config)) for block in blocks
        ),
        no_shift_score=explain_missing_shift(run.detector),
        settings=settings,
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


def write_line_csv(path: Path, line: FollowedLine) -> None:
    """Write one row per image, in order of time, creating the file's folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, line_csv(line).encode())


def line_csv(line: FollowedLine) -> str:
    """Format a line as CSV, one row per image, in order of time."""
    text: str = line_table(line).to_csv(index=False)
    return text


def line_table(line: FollowedLine) -> pd.DataFrame:
    """Put a line into a table, one row per image, in order of time."""
    import pandas as pd  # noqa: PLC0415 (slow; not needed to start a command)

    following = line.following
    shift_of = np.repeat(
        np.array(line.shift_scores, dtype=float), [block.stop - block.start for block in line.blocks]
    )  # None becomes NaN, an empty cell
    columns = {
        "image": line.names,
        "score": following.score,
        "fixed_threshold": following.fixed.value,
        "following_threshold": following.threshold,
        "fixed_alarm": following.fixed_alarm,
        "following_alarm": following.following_alarm,
        "beyond_limit": following.beyond,
        "block_shift_score": shift_of,
    }
    return pd.DataFrame(columns).map(csv_cell)
