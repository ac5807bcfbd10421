"""Report how a line was followed: as a table with sentences, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnl_core.metrics.table import format_metric
from gnl_core.runs.followed import FollowedLine
from gnl_core.tables import align_columns

HEADER = ("images", "first image", "median", "shift", "fixed alarms", "following alarms", "following threshold")
NOTICEABLE_RISE = 0.25  # margins from which the rise alone is a reason to compare images


def format_line(line: FollowedLine) -> str:
    """Format a table with one row per block, then what the thresholds are and what to check."""
    rows = [
        (
            f"{block.start + 1}-{block.stop}",
            line.names[block.start],
            f"{block.median:.4g}",
            format_metric(shift, decimals=2),
            str(block.n_fixed),
            str(block.n_following),
            f"{block.threshold:.4g}",
        )
        for block, shift in zip(line.blocks, line.shift_scores, strict=True)
    ]
    table = align_columns([HEADER, *rows], right=range(2, len(HEADER)))
    return "\n".join([*table, *describe_thresholds(line), *warnings_of(line)])


def describe_thresholds(line: FollowedLine) -> Iterator[str]:
    """Yield what the two thresholds are, and how many alarms each raised."""
    following, settings = line.following, line.settings
    fixed, count = following.fixed, len(line.names)
    yield (
        f"fixed threshold {fixed.value:.4g}: quantile {fixed.quantile:g} of {fixed.n_held_out} held-out normal "
        f"training images, a margin of {fixed.margin:.4g} above their median; {following.fixed_alarm.sum()} of {count} "
        "images raise an alarm"
    )
    yield (
        f"following threshold: the same margin above the median of the last {settings.window} images without an alarm; "
        f"{following.following_alarm.sum()} of {count} images raise an alarm"
    )
    if line.no_shift_score is not None:
        yield line.no_shift_score


def warnings_of(line: FollowedLine) -> Iterator[str]:
    """Yield what the following threshold may have learnt to accept, and which images to check for it."""
    following, names = line.following, line.names
    highest, end = int(np.argmax(following.rise)), following.rise[-1]
    if following.accepted.any() or following.rise[highest] >= NOTICEABLE_RISE:
        earlier, later = images_to_compare(line)
        yield (
            f"warning: the following threshold rises by up to {following.rise[highest]:.2f} margins, at "
            f"{names[highest]}, and ends {end:+.2f} margins from the start; damage that grows as slowly raises no "
            f"alarm under it: compare images {later} with images {earlier}"
        )
    accepted = np.flatnonzero(following.accepted)
    if len(accepted):
        yield (
            f"warning: {len(accepted)} images raise an alarm under the fixed threshold alone, from "
            f"{names[accepted[0]]} to {names[accepted[-1]]}; check them before you trust the following threshold"
        )
    beyond = np.flatnonzero(following.beyond)
    if len(beyond):
        yield (
            f"alarm: from {names[beyond[0]]} on, the line has drifted beyond what the following threshold may accept "
            f"(--at-most {following.most_drift:g} margins), at {len(beyond)} images; inspect the line, then adapt or "
            "train a run on images that are known to be normal"
        )


def images_to_compare(line: FollowedLine) -> tuple[str, str]:
    """Name the first window of images without an alarm, and the one that the highest threshold was chosen from."""
    quiet = np.flatnonzero(~line.following.following_alarm)
    highest = int(np.argmax(line.following.rise))
    window = line.settings.window
    before = quiet[quiet < highest]
    return name_range(line, quiet[:window]), name_range(line, before[-window:])


def name_range(line: FollowedLine, positions: NDArray[np.intp]) -> str:
    """Name a range of images by the numbers and names of its first and last."""
    first, last = positions[0], positions[-1]
    return f"{first + 1}-{last + 1} ({line.names[first]} to {line.names[last]})"


def line_to_json(line: FollowedLine) -> dict[str, Any]:
    """Turn a followed line into plain values: the thresholds, the counts of alarms, and one object per block."""
    following = line.following
    beyond = np.flatnonzero(following.beyond)
    return {
        **line.settings.model_dump(),
        "n": len(line.names),
        "fixed_threshold": following.fixed.value,
        "margin": following.fixed.margin,
        "threshold_quantile": following.fixed.quantile,
        "n_held_out": following.fixed.n_held_out,
        "n_fixed_alarms": int(following.fixed_alarm.sum()),
        "n_following_alarms": int(following.following_alarm.sum()),
        "n_accepted": int(following.accepted.sum()),
        "highest_rise_margins": float(following.rise.max()),
        "last_rise_margins": float(following.rise[-1]),
        "first_beyond_limit": line.names[beyond[0]] if len(beyond) else None,
        "blocks": [
            {
                "first": line.names[block.start],
                "last": line.names[block.stop - 1],
                "n": block.stop - block.start,
                "median_score": block.median,
                "shift_score": shift,
                "n_fixed_alarms": block.n_fixed,
                "n_following_alarms": block.n_following,
                "following_threshold": block.threshold,
            }
            for block, shift in zip(line.blocks, line.shift_scores, strict=True)
        ],
    }
