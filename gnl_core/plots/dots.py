"""Draw results of several methods as dots: one row per method, one panel per metric, one dot per matching strength."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

ROW_PX, HEAD_PX, TICKS_PX, LEGEND_PX = 30, 40, 26, 44  # on a phone, the legend has two lines
REACH = 0.26  # of a row, up and down: dots of a method are offset so that their intervals do not overlap
FAINTEST = 0.45  # opacity of the weakest matching
COLUMN_GAP = 0.05


class Dot(NamedTuple):
    """One result.

    Attributes:
        value: The value in percent.
        interval: Its 95 % interval, or None.
        strength: Strength of matching; 0 without matching.
    """

    value: float
    interval: tuple[float, float] | None
    strength: float


class DotRow(NamedTuple):
    """The results of one method.

    Attributes:
        name: Label at the left.
        measured: Dots of each panel, weakest matching first.
        published: Published value of each panel, or None.
    """

    name: str
    measured: tuple[tuple[Dot, ...], ...]
    published: tuple[float | None, ...]


def dot_rows(rows: Sequence[DotRow], titles: Sequence[str], *, references: Sequence[float | None]) -> go.Figure:
    """Draw panels side by side, one row per method: grey without matching, accent colour with it, hollow as published.

    Args:
        rows: The methods, from top to bottom.
        titles: The heading of each panel, in Plotly's HTML.
        references: The value to compare with in each panel, drawn as a dotted line; None for no line.
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
    names = [escape(row.name) for row in rows]
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
    """Add a panel's trace; only traces of the first panel with dots appear in the legend."""
    trace.showlegend = panel == 0 and len(trace.x) > 0
    figure.add_trace(trace, row=1, col=panel + 1)


def measured_dots(rows: Sequence[DotRow], panel: int, *, strength: float, strengths: Sequence[float]) -> go.Scatter:
    """Draw the dots of one strength in one panel, with their intervals as thin lines."""
    dots = [
        (escape(row.name), position, dot)
        for position, row in enumerate(rows)
        for dot in row.measured[panel]
        if dot.strength == strength
    ]
    limits = [dot.interval or (dot.value, dot.value) for *_, dot in dots]
    name = f"α = {strength:g}" if strength else "without matching"
    colour = ACCENT if strength else GREY
    opacity = FAINTEST + (1 - FAINTEST) * strength / max(strengths) if strength else 1.0
    return go.Scatter(
        x=[dot.value for *_, dot in dots],
        y=[position + offset(strength, strengths) for _, position, _ in dots],
        customdata=[
            [method, f"{low:.1f} to {high:.1f}"] for (method, *_), (low, high) in zip(dots, limits, strict=True)
        ],
        error_x={
            "array": [high - dot.value for (*_, dot), (_, high) in zip(dots, limits, strict=True)],
            "arrayminus": [dot.value - low for (*_, dot), (low, _) in zip(dots, limits, strict=True)],
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
    """Compute the offset of a strength's dots below the middle of a row, in rows."""
    return REACH * (2 * strengths.index(strength) / (len(strengths) - 1) - 1) if len(strengths) > 1 else 0.0


def published_dots(rows: Sequence[DotRow], panel: int) -> go.Scatter:
    """Draw published values, hollow and grey."""
    values = [(escape(row.name), position, row.published[panel]) for position, row in enumerate(rows)]
    published = [(name, position, value) for name, position, value in values if value is not None]
    return go.Scatter(
        x=[value for *_, value in published],
        y=[position for _, position, _ in published],
        customdata=[name for name, *_ in published],
        mode="markers",
        name="published",
        marker={"symbol": "diamond-open", "color": GREY, "size": 9, "line": {"width": 1.5}},
        hovertemplate="%{customdata}, published: %{x:.1f}<extra></extra>",
    )
