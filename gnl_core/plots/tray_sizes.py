"""Draw what adapting brings over the number of images adapted to, beside what is aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

PANEL_PX = 140
TOP_PX, GAP_PX, BOTTOM_PX = 30, 52, 44
MARGIN = 0.08  # of a panel's range, above and below


class SizeCurve(NamedTuple):
    """A metric over the number of images.

    Attributes:
        name: Its name, in the panel's heading.
        colour: Its colour.
        symbol: Plotly's name of its marker.
        values: Its value at each number of images, from the first one on; fewer than the numbers to hide the rest.
    """

    name: str
    colour: str
    symbol: str
    values: Sequence[float]


class SizePanel(NamedTuple):
    """One panel.

    Attributes:
        title: The heading before the names of the curves.
        curves: The curves.
        goal: What is aimed at, drawn as a dotted line.
        bounds: Range of the vertical axis, which stays the same when the curves are revealed.
        tick_format: Format of its numbers, in D3's notation.
    """

    title: str
    curves: Sequence[SizeCurve]
    goal: float
    bounds: tuple[float, float]
    tick_format: str


def tray_size_curves(sizes: Sequence[str], panels: Sequence[SizePanel], *, guess: str | None) -> go.Figure:
    """Draw panels over one axis of numbers of images.

    Args:
        sizes: The numbers in words, from left to right.
        panels: From top to bottom.
        guess: The number marked by a vertical line; None for none.
    """
    height = TOP_PX + len(panels) * PANEL_PX + (len(panels) - 1) * GAP_PX + BOTTOM_PX
    figure = make_subplots(len(panels), 1, shared_xaxes=True, vertical_spacing=GAP_PX / (height - TOP_PX - BOTTOM_PX))
    for row, panel in enumerate(panels, start=1):
        for curve in panel.curves:
            figure.add_trace(draw_curve(curve, sizes, tick_format=panel.tick_format), row=row, col=1)
        figure.add_hline(y=panel.goal, line={"color": GREY, "dash": "dot", "width": 1}, row=row, col=1)
        low, high = panel.bounds
        room = MARGIN * (high - low)
        figure.update_yaxes(range=[low - room, high + room], tickformat=panel.tick_format, row=row)
        top = figure.layout["yaxis" if row == 1 else f"yaxis{row}"].domain[1]
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": top, "yshift": TOP_PX - 10}
        figure.add_annotation(text=heading(panel), showarrow=False, xanchor="left", font_size=13, **place)
    if guess is not None:
        figure.add_vline(x=sizes.index(guess), line={"color": ACCENT, "width": 2, "dash": "dash"})
    figure.update_xaxes(range=[-0.3, len(sizes) - 0.7], showgrid=False, zeroline=False, fixedrange=True)
    figure.update_xaxes(
        title="normal images adapted to",
        tickvals=list(range(len(sizes))),
        ticktext=list(sizes),
        showticklabels=True,
        row=len(panels),
    )
    figure.update_yaxes(fixedrange=True, nticks=5, zeroline=False)
    return figure.update_layout(
        height=height, showlegend=False, dragmode=False, margin={"l": 0, "r": 8, "t": TOP_PX, "b": BOTTOM_PX}
    )


def draw_curve(curve: SizeCurve, sizes: Sequence[str], *, tick_format: str) -> go.Scatter:
    """Draw one curve as far as it has values."""
    return go.Scatter(
        x=list(range(len(curve.values))),
        y=list(curve.values),
        mode="lines+markers",
        name=curve.name,
        customdata=list(sizes[: len(curve.values)]),
        line={"color": curve.colour, "width": 2},
        marker={"color": curve.colour, "size": 9, "symbol": curve.symbol},
        hovertemplate=f"{curve.name}, %{{customdata}}: %{{y:{tick_format}}}<extra></extra>",
    )


def heading(panel: SizePanel) -> str:
    """Write a panel's heading, with each curve's name after its colour."""
    keys = "  ".join(f"<span style='color:{curve.colour}'>■</span> {curve.name}" for curve in panel.curves)
    return f"<b>{panel.title}</b>  {keys}"
