"""Draw a line over time for the app: scores with both thresholds above the shift score, with names under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY
from gnl_core.plots.timeline import Timeline, group_images

SCORES_PX, SHIFT_PX, GAP_PX = 300, 110, 26
TOP_PX, BOTTOM_PX = 30, 44


def timeline_chart(timeline: Timeline, names: Sequence[str]) -> go.Figure:
    """Draw a dot per image, both thresholds, and below them the shift score per block, if any block has one.

    An image that raises an alarm is a diamond. A line marks where something begins.

    Args:
        timeline: What is drawn.
        names: Name of each image.
    """
    has_shift = any(shift is not None for shift in timeline.shift_scores)
    heights = [SCORES_PX, SHIFT_PX] if has_shift else [SCORES_PX]
    plotted_px = sum(heights) + GAP_PX * (len(heights) - 1)
    figure = make_subplots(
        len(heights), 1, shared_xaxes=True, row_heights=heights, vertical_spacing=GAP_PX / plotted_px
    )
    count = len(timeline.score)
    numbers = list(range(1, count + 1))
    for group in group_images(timeline):
        places = group.places.tolist()
        figure.add_scatter(
            x=[numbers[place] for place in places],
            y=timeline.score[places].tolist(),
            customdata=[names[place] for place in places],
            mode="markers",
            name=group.name,
            marker={"color": group.colour, "size": 6, "symbol": "diamond" if group.alarm else "circle"},
            hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
            row=1,
            col=1,
        )
    thresholds = (
        ("following threshold", timeline.following_threshold.tolist(), {"color": ACCENT, "width": 2, "shape": "hvh"}),
        ("fixed threshold", [timeline.fixed_threshold] * count, {"color": GREY, "width": 2, "dash": "dot"}),
    )
    for name, values, line in thresholds:
        hover = f"{name}: %{{y:.3f}}<extra></extra>"
        figure.add_scatter(x=numbers, y=values, mode="lines", name=name, line=line, hovertemplate=hover, row=1, col=1)
    for number, words in timeline.marks:
        figure.add_vline(number - 0.5, line={"color": GREY, "width": 1})
        figure.add_annotation(
            x=number, y=1, yref="y domain", text=words, showarrow=False, xanchor="left", yanchor="top", row=1, col=1
        )
    figure.update_yaxes(title="anomaly score", row=1)
    if has_shift:
        add_shift_scores(figure, timeline)
    figure.update_xaxes(range=[0.5, count + 0.5], showgrid=False, zeroline=False, fixedrange=True)
    figure.update_xaxes(title="image, in order of time", row=len(heights))
    figure.update_yaxes(zeroline=False, fixedrange=True, nticks=5)
    return figure.update_layout(
        height=plotted_px + TOP_PX + BOTTOM_PX,
        dragmode=False,
        margin={"l": 0, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )


def add_shift_scores(figure: go.Figure, timeline: Timeline) -> None:
    """Draw the shift score of each block as a level line over its images, with gaps where there is none."""
    x: list[float | None] = []
    y: list[float | None] = []
    for (start, stop), shift in zip(pairwise(timeline.edges), timeline.shift_scores, strict=True):
        x += [start + 0.5, stop + 0.5, None]
        y += [shift, shift, None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name="shift score",
        showlegend=False,
        line={"color": GREY, "width": 2},
        hovertemplate="shift score %{y:.2f}<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_yaxes(title="shift score", rangemode="tozero", row=2)
