"""Draw pairs of feature vectors, a teacher's beside the student's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

ROW_PX, TOP_PX, BOTTOM_PX = 120, 44, 40


class VectorPair(NamedTuple):
    """Features of teacher and student at one cell.

    Attributes:
        teacher: Scaled to length 1, shape (C,).
        student: Likewise.
        distance: Their cosine distance.
    """

    teacher: NDArray[np.float32]
    student: NDArray[np.float32]
    distance: float


def vector_pairs(pairs: Sequence[VectorPair], *, marked: tuple[int, int]) -> go.Figure:
    """Draw one panel per stage, in which the channels follow each other from left to right.

    Args:
        pairs: The stages.
        marked: A stage and a channel, from 0, to mark by a dotted line.
    """
    titles = [f"Stage {number}: distance {pair.distance:.3f}" for number, pair in enumerate(pairs, start=1)]
    figure = make_subplots(rows=len(pairs), cols=1, subplot_titles=titles, vertical_spacing=0.18)
    for row, pair in enumerate(pairs, start=1):
        for name, vector, colour in (("teacher", pair.teacher, GREY), ("student", pair.student, ACCENT)):
            line = draw_vector(name, vector, colour).update(showlegend=row == 1)
            figure.add_trace(line, row=row, col=1)
    stage, channel = marked
    figure.add_vline(x=channel + 1, row=stage + 1, col=1, line={"color": GREY, "dash": "dot", "width": 1})
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    figure.update_xaxes(fixedrange=True, showgrid=False, zeroline=False, nticks=6)
    figure.update_xaxes(title="channel", row=len(pairs), col=1)
    figure.update_yaxes(fixedrange=True, nticks=3, zeroline=True)
    return figure.update_layout(
        height=TOP_PX + ROW_PX * len(pairs) + BOTTOM_PX,
        margin={"l": 0, "r": 0, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.05, "yanchor": "bottom"},
        hovermode="x unified",
    )


def draw_vector(name: str, vector: NDArray[np.float32], colour: str) -> go.Scatter:
    """Draw a vector as steps, one per channel from 1."""
    return go.Scatter(
        x=np.arange(1, len(vector) + 1),
        y=vector,
        name=name,
        mode="lines",
        line={"color": colour, "width": 1.5, "shape": "hvh"},
        hovertemplate="%{y:.3f}",
    )
