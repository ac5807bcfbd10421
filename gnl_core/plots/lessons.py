"""Small charts, each of which explains one thing: the bottleneck's width, agreement of views, effect of matching."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

ROW_PX, HEADING_PX, AXIS_PX = 26, 30, 44
TALLER_ROW_PX = 27
ROOM_BESIDE = 0.16  # of the axis from the lowest AUROC to 1, for the differences
ROOM_FOR_TEXT = 1.45  # length of an axis in longest bars, with room for their values


class Gain(NamedTuple):
    """AUROC of a domain without matching and with it."""

    name: str
    off: float
    on: float


def count_widths(counts: Mapping[str, int], *, narrowest: str) -> go.Figure:
    """Draw the number of values per image at each step of a network as centred bars, which shows the bottleneck.

    Args:
        counts: Name of each step to its count, from the first step to the last.
        narrowest: The step that is the bottleneck; only it is in colour.
    """
    names = list(counts)
    bars = go.Bar(
        x=list(counts.values()),
        base=[-count / 2 for count in counts.values()],
        y=names,
        orientation="h",
        marker_color=[ACCENT if name == narrowest else GREY for name in names],
        text=[f"{count:,}" for count in counts.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text} values<extra></extra>",
    )
    widest = max(counts.values())
    figure = go.Figure(bars)
    figure.update_xaxes(visible=False, range=[-0.55 * widest, 0.68 * widest], fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="")
    return figure.update_layout(
        height=ROW_PX * len(names), bargap=0.25, showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0}
    )


def agreement_bars(terms: Mapping[str, Mapping[tuple[str, str], float]]) -> go.Figure:
    """Draw distances of altered views from the original: one panel per term, one row per view and method.

    Args:
        terms: Heading of each panel to its rows, (view, method) to a cosine distance; all panels have the same rows.
            Each panel has its own axis, since the terms differ in size.
    """
    rows = list(next(iter(terms.values())))
    views, methods = [view for view, _ in reversed(rows)], [method for _, method in reversed(rows)]
    figure = make_subplots(cols=len(terms), subplot_titles=list(terms), shared_yaxes=True, horizontal_spacing=0.08)
    for column, term in enumerate(terms.values(), start=1):
        values = [term[row] for row in reversed(rows)]
        bars = go.Bar(
            x=values,
            y=[views, methods],
            orientation="h",
            marker_color=GREY,
            text=[f"{value:.3f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
        figure.add_trace(bars, row=1, col=column)
        figure.update_xaxes(range=[0, ROOM_FOR_TEXT * max(values) or 1], row=1, col=column)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(fixedrange=True, ticks="", showdividers=False)
    return figure.update_layout(
        height=HEADING_PX + TALLER_ROW_PX * len(rows),
        bargap=0.25,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": HEADING_PX, "b": 8},
    )


def gain_dumbbells(gains: Sequence[Gain], *, shown: str) -> go.Figure:
    """Draw the effect of matching on the AUROC of several domains: one line each, from without to with matching.

    Args:
        gains: The domains, from the first row to the last.
        shown: Name of the domain that the page is about; only it is in colour.
    """
    figure = go.Figure()
    for gain in gains:
        colour = ACCENT if gain.name == shown else GREY
        figure.add_trace(
            go.Scatter(
                x=[gain.off, gain.on],
                y=[gain.name, gain.name],
                mode="lines+markers",
                line={"color": colour, "width": 3},
                marker={
                    "symbol": ["circle-open", "circle"],
                    "size": 11,
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                },
                hovertemplate="%{y}: %{x:.3f}<extra></extra>",
            )
        )
        right = gain.on >= gain.off
        figure.add_annotation(
            x=gain.on,
            y=gain.name,
            text=f"{gain.on - gain.off:+.3f}".replace("-", "−"),
            showarrow=False,
            xanchor="left" if right else "right",
            xshift=10 if right else -10,
        )
    lowest = min(min(gain.off, gain.on) for gain in gains)
    figure.update_xaxes(
        title="AUROC: ○ without matching, ● with it",
        range=[lowest - ROOM_BESIDE * (1 - lowest), 1 + ROOM_BESIDE * (1 - lowest)],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        nticks=6,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", showgrid=True)
    return figure.update_layout(
        height=TALLER_ROW_PX * len(gains) + AXIS_PX,
        showlegend=False,
        dragmode=False,
        margin={"l": 0, "r": 48, "t": 4, "b": AXIS_PX},
    )


def enlarge(figure: go.Figure, factor: float) -> go.Figure:
    """Enlarge a figure for a projector: the same relative width, more height and larger text."""
    size = 13 * factor
    figure.update_xaxes(tickfont_size=size, title_font_size=size)
    figure.update_yaxes(tickfont_size=size, title_font_size=size)
    figure.update_annotations(font_size=size)
    for trace in figure.data:
        if trace.text is not None:
            trace.update(textfont_size=size, text=[enlarge_spans(text, factor) for text in trace.text])
    return figure.update_layout(height=factor * figure.layout.height, font_size=size, legend_font_size=size)


def enlarge_spans(text: str, factor: float) -> str:
    """Enlarge the parts of a text that set their own font size."""
    return re.sub(r"font-size:(\d+)px", lambda match: f"font-size:{factor * int(match[1]):.0f}px", text)
