"""Draw values of a feature channel before and after matching, and scores with single references."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gnl_core.plots.style import ACCENT, GREY, NORMAL

CURVES_PX, STRIP_PX = 220, 136
LARGEST_POINTS = 256  # per curve: a stage of a large image has thousands of positions


def value_curves(
    before: NDArray[np.float32], after: NDArray[np.float32], reference: NDArray[np.float32] | None
) -> go.Figure:
    """Draw the sorted values of one channel over their rank, in ascending order.

    Args:
        before: Ascending values of the stage's output, shape (N,).
        after: The values after matching.
        reference: The values that matching pulls toward, or None.
    """
    lines = [("before", before, {"color": GREY, "width": 2}), ("after", after, {"color": ACCENT, "width": 3})]
    if reference is not None:  # on top: at full strength it coincides with the values after matching
        lines.append(("reference", reference, {"color": NORMAL, "width": 2, "dash": "dot"}))
    figure = go.Figure([draw_curve(name, values, line) for name, values, line in lines])
    figure.update_xaxes(title="rank of the value, percent", showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(fixedrange=True, nticks=5, zeroline=False)
    return figure.update_layout(
        height=CURVES_PX,
        margin={"l": 0, "r": 0, "t": 24, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hovermode="x unified",
    )


def draw_curve(name: str, values: NDArray[np.float32], line: dict[str, object]) -> go.Scatter:
    """Draw one line of sorted values, sampled at evenly spaced ranks."""
    shares = np.linspace(0, 1, min(len(values), LARGEST_POINTS))
    return go.Scatter(
        x=100 * shares,
        y=np.quantile(values, shares),
        name=name,
        mode="lines",
        line=line,
        hovertemplate="%{y:.3f}",
    )


def reference_strip(singles: NDArray[np.float32], *, together: float, off: float) -> go.Figure:
    """Draw the score with each single reference as a dot, their mean as a line, and two scores for comparison as marks.

    Args:
        singles: One score per reference, shape (R,).
        together: The score with the current settings, which use the references together.
        off: The score without matching.
    """
    numbers = np.arange(1, len(singles) + 1)
    dots = go.Scatter(
        x=singles,
        y=np.zeros(len(singles)),
        customdata=numbers,
        mode="markers",
        name="one reference alone",
        marker={"color": GREY, "size": 11, "opacity": 0.65},
        hovertemplate="reference %{customdata} alone: %{x:.3f}<extra></extra>",
    )
    marks = [
        mark_score("current settings", together, symbol="diamond", colour=ACCENT),
        mark_score("FDM off", off, symbol="x-thin-open", colour=GREY),
    ]
    figure = go.Figure([dots, *marks])
    figure.add_vline(x=float(singles.mean()), line={"color": NORMAL, "width": 2})
    figure.update_xaxes(title="score; line: mean of the dots", showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(visible=False, range=[-1, 1], fixedrange=True)
    return figure.update_layout(
        height=STRIP_PX,
        margin={"l": 8, "r": 8, "t": 24, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )


def mark_score(name: str, score: float, *, symbol: str, colour: str) -> go.Scatter:
    """Draw one named score."""
    return go.Scatter(
        x=[score],
        y=[0],
        mode="markers",
        name=name,
        marker={"color": colour, "size": 12, "symbol": symbol, "line": {"width": 2, "color": colour}},
        hovertemplate=f"{name}: %{{x:.3f}}<extra></extra>",
    )
