"""Draw a line over time as a static picture: scores with both thresholds above the shift score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gnl_core.plots.style import ACCENT, GREY, LABEL_COLOURS, LABEL_NAMES

SIZE_INCHES = (7.2, 4.6)
HEIGHT_RATIOS = (3, 1)
DOT_SIZE = 7


class Timeline(NamedTuple):
    """What is drawn; n images in order of time, in blocks.

    Attributes:
        score: Score of each image, shape (n,).
        following_threshold: Following threshold in force for each image, shape (n,).
        fixed_threshold: The fixed threshold.
        edges: Position of each block's first image, then n.
        shift_scores: Shift score of each block, or None.
        labels: Label of each image, 0 or 1, shape (n,); None if they are not known.
        marks: Images with which something begins: each image's number, from 1, and what begins.
    """

    score: NDArray[np.float64]
    following_threshold: NDArray[np.float64]
    fixed_threshold: float
    edges: Sequence[int]
    shift_scores: Sequence[float | None]
    labels: NDArray[np.int_] | None = None
    marks: Sequence[tuple[int, str]] = ()


class Group(NamedTuple):
    """Images that are drawn alike.

    Attributes:
        name: Their name in the legend.
        colour: Their colour.
        alarm: Whether they raise an alarm under the following threshold.
        places: Their positions, from 0.
    """

    name: str
    colour: str
    alarm: bool
    places: NDArray[np.intp]


def group_images(timeline: Timeline) -> list[Group]:
    """Group the images by whether they raise an alarm, and by label if the labels are known."""
    alarm = timeline.score > timeline.following_threshold
    if timeline.labels is None:
        return [
            Group("image", GREY, False, np.flatnonzero(~alarm)),
            Group("alarm under the following threshold", ACCENT, True, np.flatnonzero(alarm)),
        ]
    return [
        Group(
            f"{LABEL_NAMES[label]}, alarm" if raised else LABEL_NAMES[label],
            LABEL_COLOURS[label],
            raised,
            np.flatnonzero((timeline.labels == label) & (alarm == raised)),
        )
        for label in (0, 1)
        for raised in (False, True)
    ]


def draw_timeline(timeline: Timeline) -> Figure:
    """Draw scores and thresholds over time, and below them the shift score per block, if any block has one."""
    has_shift = any(shift is not None for shift in timeline.shift_scores)
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    if has_shift:
        scores, shifts = figure.subplots(2, sharex=True, height_ratios=HEIGHT_RATIOS)
        draw_shifts(shifts, timeline)
    else:
        scores = shifts = figure.subplots()
    draw_scores(scores, timeline)
    shifts.set_xlabel("image, in order of time")
    shifts.set_xlim(0.5, len(timeline.score) + 0.5)
    for axis in {scores, shifts}:
        axis.tick_params(colors=GREY, labelcolor="black")
        axis.spines[["top", "right"]].set_visible(False)
    handles, names = scores.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, frameon=False, markerscale=2)
    return figure


def draw_scores(axis: Axes, timeline: Timeline) -> None:
    """Draw a dot per image, a diamond if it raises an alarm, both thresholds, and what begins when."""
    image = np.arange(1, len(timeline.score) + 1)
    for name, colour, alarm, places in group_images(timeline):
        marker = "D" if alarm else "o"
        axis.scatter(
            image[places], timeline.score[places], s=DOT_SIZE, color=colour, marker=marker, linewidths=0, label=name
        )
    axis.step(image, timeline.following_threshold, where="mid", color=ACCENT, label="following threshold")
    axis.axhline(timeline.fixed_threshold, color="black", linestyle=":", linewidth=1.2, label="fixed threshold")
    for number, words in timeline.marks:
        axis.axvline(number - 0.5, color=GREY, linewidth=0.8)
        axis.annotate(words, (number + 1, 0.99), xycoords=("data", "axes fraction"), va="top", fontsize="small")
    axis.set_ylabel("anomaly score")


def draw_shifts(axis: Axes, timeline: Timeline) -> None:
    """Draw the shift score of each block as a level line over its images, with gaps where there is none."""
    values = np.array(timeline.shift_scores, dtype=float)
    axis.stairs(values, np.asarray(timeline.edges) + 0.5, baseline=None, color=GREY, linewidth=1.5)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("shift score")
