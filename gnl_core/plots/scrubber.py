"""Draw score histograms of several methods in one figure, with a slider over strengths or epochs in the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gnl_core.plots.histograms import Panel, histogram_shares
from gnl_core.plots.style import ACCENT, GREY, LABEL_COLOURS, LABEL_NAMES

ROW_PX = 210
TOP_PX, BOTTOM_PX = 32, 28  # above a panel: its heading; below: ticks
PLOT_PX, TEXT_PX = ROW_PX - TOP_PX - BOTTOM_PX, 44  # a panel, and the part at its top reserved for text
SLIDER_PX = 70
COLUMN_GAP = 0.08  # in widths of a column
BAR = 0.94  # its width, in widths of a bin
# Plain dictionaries until the figure is complete: Plotly checks its own objects at each change, three times slower.
Trace = dict[str, Any]
PARTS = {
    "bar": ("y",),
    "scatter": ("x", "text"),
}  # per type of trace, the parts that depend on the strength


class HistogramPair(NamedTuple):
    """The histograms of one method at one strength.

    Attributes:
        panels: The scores in-distribution and shifted.
        thresholds: For each panel, the score above which an image is called anomalous, drawn as a dotted line; None
            for no line.
    """

    panels: tuple[Panel, Panel]
    thresholds: tuple[float | None, float | None]


class Axes(NamedTuple):
    """The axes of one panel, the same at every strength.

    Attributes:
        edges: Ascending bin edges, shape (bins + 1,).
        tallest: Upper end of the vertical axis, as a share of a label's images.
    """

    edges: NDArray[np.float64]
    tallest: float


def scrub_histograms(
    strengths: Mapping[float, Sequence[HistogramPair]],
    axes: Sequence[tuple[Axes, Axes]],
    *,
    shown: float,
    prefix: str = "",
) -> go.Figure:
    """Draw two panels per method, in one row; each bar is the share of a label's images in a bin.

    Args:
        strengths: For each strength of matching, weakest first, the histograms of all methods; those of a method that
            does not match stay the same. Other ordered values, such as epochs, work as well.
        axes: For each method, the axes of its two panels.
        shown: The strength to draw initially.
        prefix: Text before the slider's value.

    Returns:
        A figure of height `figure_height`. With several strengths, its slider changes bars, thresholds, AUROC and
        counts in the browser.
    """
    rows, scrubbed = len(axes), len(strengths) > 1
    layout = axes_layout(axes) | {
        "grid": {
            "rows": rows,
            "columns": 2,
            "pattern": "independent",
            "xgap": COLUMN_GAP,
            "ygap": (TOP_PX + BOTTOM_PX) / ROW_PX,
        },
        "annotations": [heading(panel.title, column=column) for column, panel in enumerate(strengths[shown][0].panels)],
        "sliders": [strength_slider(list(strengths), shown=shown, prefix=prefix)] if scrubbed else [],
        "height": figure_height(rows, scrubbed=scrubbed),
        "barmode": "overlay",
        "showlegend": False,
        "dragmode": False,
        "margin": {"l": 0, "r": 0, "t": TOP_PX, "b": BOTTOM_PX + SLIDER_PX * scrubbed},
    }
    drawn = {strength: draw_traces(pairs, axes) for strength, pairs in strengths.items()}
    filled = [filled_bins(variants) for variants in zip(*drawn.values(), strict=True)]
    traces = {strength: [*map(keep_bins, every, filled)] for strength, every in drawn.items()}
    frames = [{"name": f"{strength:g}", "data": [*map(moving_parts, every)]} for strength, every in traces.items()]
    return go.Figure(traces[shown], layout, frames if scrubbed else [])


def axes_layout(axes: Sequence[tuple[Axes, Axes]]) -> dict[str, Any]:
    """Lay out the axes of all panels, which Plotly numbers from 1, row by row."""
    layout: dict[str, Any] = {}
    for panel, own in enumerate(own for pair in axes for own in pair):
        across = {"range": [own.edges[0], own.edges[-1]], "showgrid": False, "zeroline": False, "fixedrange": True}
        upwards = {"range": [0, top_of(own)], "visible": False, "fixedrange": True}
        layout |= {f"xaxis{panel + 1}": across, f"yaxis{panel + 1}": upwards}
    return layout


def heading(title: str, *, column: int) -> dict[str, Any]:
    """Place a title, a plain text, above a column, counted from 0."""
    corner = {"xref": f"{axis_of('x', column)} domain", "x": 0, "yref": "paper", "y": 1}
    place = corner | {"yshift": TOP_PX - 8, "xanchor": "left"}
    return {"text": escape(title), "showarrow": False, "font": {"size": 14}, **place}


def figure_height(rows: int, *, scrubbed: bool) -> int:
    """Compute the height of the figure in pixels."""
    return rows * ROW_PX + SLIDER_PX * scrubbed


def draw_traces(rows: Sequence[HistogramPair], axes: Sequence[tuple[Axes, Axes]]) -> list[Trace]:
    """Draw the traces of all panels, always in the same order, each on its panel's axes."""
    panels = [
        panel
        for pair, own in zip(rows, axes, strict=True)
        for panel in zip(pair.panels, own, pair.thresholds, strict=True)
    ]
    return [
        trace | {"xaxis": axis_of("x", number), "yaxis": axis_of("y", number)}
        for number, (panel, own, threshold) in enumerate(panels)
        for trace in draw_panel(panel, own, threshold=threshold)
    ]


def axis_of(letter: str, panel: int) -> str:
    """Return Plotly's name of a panel's axis: "x", "x2", "x3" and so on."""
    return f"{letter}{panel + 1}" if panel else letter


def draw_panel(panel: Panel, axes: Axes, *, threshold: float | None) -> list[Trace]:
    """Draw the bars of each label that occurs, the threshold and the text."""
    labels = [label for label in LABEL_COLOURS if (panel.scores.label == label).any()]
    bars = [histogram_bars(panel, axes.edges, label=label) for label in labels]
    line = [] if threshold is None else [threshold_line(threshold, height=axes.tallest)]
    return [*bars, *line, panel_text(panel, axes)]


def histogram_bars(panel: Panel, edges: NDArray[np.float64], *, label: int) -> Trace:
    """Draw the bars of one label, filled in-distribution and hatched under shift."""
    colour = LABEL_COLOURS[label]
    heights = histogram_shares(panel.scores.score[panel.scores.label == label], edges)
    return {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": heights,
        "width": BAR * (edges[1] - edges[0]),
        "name": LABEL_NAMES[label],
        "opacity": 0.8,
        "marker": {
            "color": colour,
            "line": {"color": colour, "width": 1 if panel.shifted else 0},
            "pattern": {"shape": "/" if panel.shifted else "", "fillmode": "overlay", "size": 5, "solidity": 0.35},
        },
        "hovertemplate": f"{LABEL_NAMES[label]}: %{{y:.1%}} at score %{{x:.2f}}<extra></extra>",
    }


def filled_bins(variants: Sequence[Trace]) -> NDArray[np.bool_] | None:
    """Find the bins of one histogram that have a bar at any strength; None for a line or a text."""
    return np.any([trace["y"] > 0 for trace in variants], axis=0) if variants[0]["type"] == "bar" else None


def keep_bins(trace: Trace, filled: NDArray[np.bool_] | None) -> Trace:
    """Drop bars of a histogram that are empty at every strength, which halves the work of the browser."""
    return trace if filled is None else trace | {name: trace[name][filled] for name in ("x", "y")}


def threshold_line(threshold: float, *, height: float) -> Trace:
    """Draw a dotted line over the whole panel."""
    line = {"color": GREY, "dash": "dot", "width": 1.5}
    ends = {"x": [threshold, threshold], "y": [0, height]}
    return {"type": "scatter", "mode": "lines", "line": line, "hoverinfo": "skip", **ends}


def panel_text(panel: Panel, axes: Axes) -> Trace:
    """Draw note and footnote at a panel's upper right, as a trace because frames do not redraw the layout."""
    return {
        "type": "scatter",
        "x": [axes.edges[-1]],
        "y": [top_of(axes)],
        "text": [f"{panel.note}<br><span style='font-size:12px'>{panel.footnote}</span>"],
        "mode": "text",
        "textposition": "bottom left",
        "textfont": {"size": 14},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def top_of(axes: Axes) -> float:
    """Compute the upper end of a panel's vertical axis, with room for text above the tallest bar."""
    return axes.tallest * PLOT_PX / (PLOT_PX - TEXT_PX)


def moving_parts(trace: Trace) -> Trace:
    """Select the parts of a trace that depend on the strength; the browser stores these for every strength."""
    return {name: trace[name] for name in ("type", *PARTS[trace["type"]]) if name in trace}


def strength_slider(strengths: Sequence[float], *, shown: float, prefix: str) -> dict[str, Any]:
    """Lay out the slider below the figure."""
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    return {
        "active": list(strengths).index(shown),
        "steps": [
            {"label": f"{strength:g}", "method": "animate", "args": [[f"{strength:g}"], at_once]}
            for strength in strengths
        ],
        "currentvalue": {"prefix": prefix, "xanchor": "left", "font": {"size": 13}},
        "transition": {"duration": 0},  # otherwise the handle moves for 150 ms after the bars have changed
        "pad": {"t": BOTTOM_PX + 4},
        "len": 1,
        "activebgcolor": ACCENT,
        "bordercolor": GREY,
        "minorticklen": 0,
    }
