"""Numbers of several methods as dots: a row a method, a panel a column, a dot a strength of matching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

ROW_PX, HEAD_PX, TICKS_PX, LEGEND_PX = 30, 40, 26, 44  # on a phone, the legend takes two lines
REACH = 0.26  # of a row, up and down: the dots of a method lie a little apart, so that their intervals can be seen
FAINTEST = 0.45  # opacity of the weakest matching
COLUMN_GAP = 0.05


class Dot(NamedTuple):
    """One number.

    Attributes:
        value: In percent.
        interval: Its 95 % interval, None where there is none.
        strength: Strength of matching; 0 without.
    """

    value: float
    interval: tuple[float, float] | None
    strength: float


class DotRow(NamedTuple):
    """One method.

    Attributes:
        name: Set at the left.
        measured: For each panel its dots, weakest matching first.
        published: For each panel what was published, None where nothing was.
    """

    name: str
    measured: tuple[tuple[Dot, ...], ...]
    published: tuple[float | None, ...]


def dot_rows(rows: Sequence[DotRow], titles: Sequence[str], *, references: Sequence[float | None]) -> go.Figure:
    """Panels side by side with one row a method; grey without matching, the accent with it, hollow as published.

    Args:
        rows: The methods, the topmost first.
        titles: The heading of each panel.
        references: In each panel the number that others are compared with, a dotted line; None: no line.
    """
    figure = make_subplots(
        cols=len(titles), shared_yaxes=True, horizontal_spacing=COLUMN_GAP, subplot_titles=list(titles)
    )
    strengths = sorted({dot.strength for row in rows for panel in row.measured for dot in panel})
    for panel in range(len(titles)):
        for strength in strengths:
            add(figure, measured_dots(rows, panel, strength=strength, strengths=strengths), panel)
        add(figure, published_dots(rows, panel), panel)
        reference = references[panel]
        if reference is not None:
            figure.add_vline(x=reference, line={"color": GREY, "dash": "dot", "width": 1.5}, row=1, col=panel + 1)
    figure.update_xaxes(zeroline=False, fixedrange=True, nticks=6)
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False, fixedrange=True)
    names = [row.name for row in rows]
    figure.update_yaxes(tickmode="array", tickvals=list(range(len(rows))), ticktext=names, col=1)
    figure.update_annotations(font_size=13, xanchor="left", align="left")
    for annotation, axis in zip(figure.layout.annotations[: len(titles)], figure.select_xaxes(), strict=True):
        annotation.x = axis.domain[0]
    height = HEAD_PX + ROW_PX * len(rows) + TICKS_PX + LEGEND_PX
    return figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": HEAD_PX, "b": TICKS_PX + LEGEND_PX},
        legend={
            **{"orientation": "h", "x": 0, "y": LEGEND_PX / height, "yref": "container", "yanchor": "top"},
            **{"itemclick": False, "itemdoubleclick": False},
        },
    )


def add(figure: go.Figure, trace: go.Scatter, panel: int) -> None:
    """Add a panel's trace; the first panel's stand in the legend, those without a dot do not."""
    trace.showlegend = panel == 0 and len(trace.x) > 0
    figure.add_trace(trace, row=1, col=panel + 1)


def measured_dots(rows: Sequence[DotRow], panel: int, *, strength: float, strengths: Sequence[float]) -> go.Scatter:
    """The dots of one strength in one panel, with their intervals as thin lines."""
    found = [
        (row.name, position, dot)
        for position, row in enumerate(rows)
        for dot in row.measured[panel]
        if dot.strength == strength
    ]
    limits = [dot.interval or (dot.value, dot.value) for *_, dot in found]
    name = f"α = {strength:g}" if strength else "without matching"
    colour = ACCENT if strength else GREY
    opacity = FAINTEST + (1 - FAINTEST) * strength / max(strengths) if strength else 1.0
    return go.Scatter(
        x=[dot.value for *_, dot in found],
        y=[position + offset(strength, strengths) for _, position, _ in found],
        customdata=[
            [method, f"{low:.1f} to {high:.1f}"] for (method, *_), (low, high) in zip(found, limits, strict=True)
        ],
        error_x={
            "array": [high - dot.value for (*_, dot), (_, high) in zip(found, limits, strict=True)],
            "arrayminus": [dot.value - low for (*_, dot), (low, _) in zip(found, limits, strict=True)],
            "thickness": 1.2,
            "width": 0,
            "color": colour,
        },
        mode="markers",
        name=name,
        opacity=opacity,
        marker={"color": colour, "size": 9},
        hovertemplate=f"%{{customdata[0]}}, {name}: %{{x:.1f}} (%{{customdata[1]}})<extra></extra>",
    )


def offset(strength: float, strengths: Sequence[float]) -> float:
    """How far below a row's middle the dots of a strength lie, in rows."""
    return REACH * (2 * strengths.index(strength) / (len(strengths) - 1) - 1) if len(strengths) > 1 else 0.0


def published_dots(rows: Sequence[DotRow], panel: int) -> go.Scatter:
    """What was published, hollow and grey."""
    found = [(row.name, position, row.published[panel]) for position, row in enumerate(rows)]
    there = [(name, position, value) for name, position, value in found if value is not None]
    return go.Scatter(
        x=[value for *_, value in there],
        y=[position for _, position, _ in there],
        customdata=[name for name, *_ in there],
        mode="markers",
        name="published",
        marker={"symbol": "diamond-open", "color": GREY, "size": 9, "line": {"width": 1.5}},
        hovertemplate="%{customdata}, published: %{x:.1f}<extra></extra>",
    )
