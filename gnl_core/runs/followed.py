"""A line that was scored and followed: its records, its settings and its table. Nothing here imports PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gnl_core.adaptation.following import Block, FixedThreshold, Following, cut_blocks, follow
from gnl_core.config.validation import SettingsRecord
from gnl_core.datasets.ordering import Order
from gnl_core.files.writing import write_atomically
from gnl_core.tables import csv_cell

if TYPE_CHECKING:
    import pandas as pd


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


class ScoredLine(NamedTuple):
    """The images of a line in order of time, as one run scores them; n images in blocks.

    Attributes:
        names: File name of each image.
        score: Anomaly score of each image, shape (n,).
        fixed: The run's own threshold.
        block: Number of images per block; the last block has the remainder.
        shift_scores: Shift score of each block; None where there is none.
        no_shift_score: The reason if a method that supports shift scores has none.
    """

    names: tuple[str, ...]
    score: NDArray[np.float64]
    fixed: FixedThreshold
    block: int
    shift_scores: tuple[float | None, ...]
    no_shift_score: str | None


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


def let_follow(scored: ScoredLine, settings: FollowSettings) -> FollowedLine:
    """Let a threshold follow a scored line.

    Raises:
        ValueError: As for `follow`.
    """
    following = follow(
        scored.score, scored.fixed, window=settings.window, minimum=settings.minimum, most_drift=settings.at_most
    )
    return FollowedLine(
        names=scored.names,
        following=following,
        blocks=tuple(cut_blocks(following, size=scored.block)),
        shift_scores=scored.shift_scores,
        no_shift_score=scored.no_shift_score,
        settings=settings,
    )


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
