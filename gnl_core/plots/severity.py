"""Draw AUROC over the severity of a corruption and, on an aligned axis below, the label-free shift score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT, GREY

Bounds = tuple[float, float]

AUROC_PX, SHIFT_PX, GAP_PX = 280, 130, 26
LABEL_PX = 17  # between two labels at the ends of lines
TOP_PX, BOTTOM_PX, RIGHT_PX = 26, 44, 132
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
DODGE = 0.035  # in severities, so that intervals of several lines do not overlap
FAR = 1.0  # shift scores above it are farther away than training images are from each other


class Curve(NamedTuple):
    """A metric of one method over severities.

    Attributes:
        label: Text at the end of the line.
        method: Position of the method, which determines dash and marker.
        matched: Whether its features are matched, which determines the colour.
        values: Severity, 0 for unchanged images, to the metric; at least one.
        bounds: Severity to the metric's 95 % interval, where there is one.
    """

    label: str
    method: int
    matched: bool
    values: Mapping[int, float]
    bounds: Mapping[int, Bounds]


def severity_curves(aurocs: Sequence[Curve], shifts: Sequence[Curve], *, strongest: int) -> go.Figure:
    """Draw two charts over one axis of severities; a chart without curves is left out.

    Args:
        aurocs: AUROC of each method, with matching and without.
        shifts: Shift scores of each method.
        strongest: Last severity of the axis, which begins at 0.
    """
    parts = [(title, curves, px) for title, curves, px in named_parts(aurocs, shifts) if curves]
    plotted_px = sum(px for *_, px in parts) + GAP_PX * (len(parts) - 1)
    figure = make_subplots(
        max(1, len(parts)),
        1,
        shared_xaxes=True,
        row_heights=[px for *_, px in parts] or None,
        vertical_spacing=GAP_PX / max(1, plotted_px),
    )
    for row, (title, curves, height_px) in enumerate(parts, start=1):
        low, high = shown_range(curves, shifted=curves is shifts)
        for position, curve in enumerate(curves):
            offset = DODGE * (position - (len(curves) - 1) / 2)
            figure.add_trace(draw_curve(curve, offset=offset, quantity=title), row=row, col=1)
        label_ends(figure, curves, row=row, units_per_px=(high - low) / height_px)
        figure.update_yaxes(title=title, range=[low, high], row=row)
    if shifts:
        figure.add_hline(y=FAR, line={"color": GREY, "dash": "dot", "width": 1}, row=len(parts), col=1)
    figure.update_xaxes(range=[-0.2, strongest + 0.2], dtick=1, showgrid=False, zeroline=False, fixedrange=True)
    figure.update_xaxes(title="severity; 0: unchanged", row=max(1, len(parts)))
    figure.update_yaxes(zeroline=False, fixedrange=True, nticks=5)
    return figure.update_layout(
        height=plotted_px + TOP_PX + BOTTOM_PX,
        showlegend=False,
        margin={"l": 0, "r": RIGHT_PX, "t": TOP_PX, "b": BOTTOM_PX},
    )


def named_parts(aurocs: Sequence[Curve], shifts: Sequence[Curve]) -> list[tuple[str, Sequence[Curve], int]]:
    """List both charts with their titles and heights in pixels, which leave room for their labels."""
    return [
        ("AUROC", aurocs, max(AUROC_PX, LABEL_PX * (len(aurocs) + 1))),
        ("shift score", shifts, max(SHIFT_PX, LABEL_PX * (len(shifts) + 1))),
    ]


def shown_range(curves: Sequence[Curve], *, shifted: bool) -> Bounds:
    """Compute the vertical range, which covers all values and intervals; for shift scores it begins at 0."""
    values = [value for curve in curves for value in curve.values.values()]
    ends = [end for curve in curves for bounds in curve.bounds.values() for end in bounds]
    low, high = min(values + ends), max(values + ends)
    if shifted:
        return 0.0, 1.1 * max(high, FAR)
    margin = max(0.005, 0.06 * (high - low))
    return low - margin, high + margin


def draw_curve(curve: Curve, *, offset: float, quantity: str) -> go.Scatter:
    """Draw one line with a marker at each severity, and thin bars for intervals."""
    colour = ACCENT if curve.matched else GREY
    severities = sorted(curve.values)
    return go.Scatter(
        x=[severity + offset for severity in severities],
        y=[curve.values[severity] for severity in severities],
        error_y=interval_bars(curve, severities),
        name=curve.label,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": DASHES[curve.method % len(DASHES)]},
        marker={"color": colour, "size": 8, "symbol": MARKERS[curve.method % len(MARKERS)]},
        customdata=[[severity, format_bounds(curve.bounds.get(severity))] for severity in severities],
        hovertemplate=f"{curve.label}, severity %{{customdata[0]}}<br>"
        f"{quantity} %{{y:.3f}}%{{customdata[1]}}<extra></extra>",
    )


def interval_bars(curve: Curve, severities: Sequence[int]) -> dict[str, Any]:
    """Lay out Plotly's bars from each value to both ends of its interval; a missing interval has no length."""
    ends = [curve.bounds.get(severity, (curve.values[severity],) * 2) for severity in severities]
    values = [curve.values[severity] for severity in severities]
    return {
        "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
        "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
        "symmetric": False,
        "thickness": 1,
        "width": 0,
        "visible": bool(curve.bounds),
    }


def format_bounds(bounds: Bounds | None) -> str:
    """Format an interval for display after its value."""
    return "" if bounds is None else f" ({bounds[0]:.3f}–{bounds[1]:.3f})"


def label_ends(figure: go.Figure, curves: Sequence[Curve], *, row: int, units_per_px: float) -> None:
    """Write each curve's label beside its last point, with a fine line to it if other labels displace it."""
    ends = [curve.values[max(curve.values)] for curve in curves]
    for curve, end, place in zip(curves, ends, spread(ends, gap=LABEL_PX * units_per_px), strict=True):
        figure.add_annotation(
            x=max(curve.values) + 0.1,
            y=end,
            text=curve.label,
            ax=22,
            ay=-(place - end) / units_per_px,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=GREY,
            xanchor="left",
            font_size=12,
            row=row,
            col=1,
        )


def spread(values: Sequence[float], *, gap: float) -> list[float]:
    """Find positions near the values, in their order, at least a gap apart; groups of neighbours stay centred.

    Args:
        values: The ideal positions.
        gap: The smallest distance of two positions.
    """
    groups: list[list[int]] = []
    for position in sorted(range(len(values)), key=lambda index: values[index]):
        groups.append([position])
        while len(groups) > 1 and overlap(groups[-2], groups[-1], values, gap=gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    places = dict.fromkeys(range(len(values)), 0.0)
    for group in groups:
        first = lowest_place(group, values, gap=gap)
        places |= {position: first + gap * rank for rank, position in enumerate(group)}
    return [places[position] for position in range(len(values))]


def overlap(below: list[int], above: list[int], values: Sequence[float], *, gap: float) -> bool:
    """Whether two groups of positions would be closer than a gap."""
    highest = lowest_place(below, values, gap=gap) + gap * (len(below) - 1)
    return lowest_place(above, values, gap=gap) - highest < gap


def lowest_place(group: list[int], values: Sequence[float], *, gap: float) -> float:
    """Compute the first position of a group a gap apart whose middle is that of its values."""
    return sum(values[position] for position in group) / len(group) - gap * (len(group) - 1) / 2
