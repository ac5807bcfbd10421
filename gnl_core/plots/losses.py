"""Training curves."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gnl_core.plots.style import ACCENT
from gnl_core.records import EpochRecord

HEIGHT_PX = 190


def loss_curves(records: list[EpochRecord], *, epochs: int) -> go.Figure:
    """Each named loss term over the epochs that have it, on an axis of its own: they differ by orders of magnitude.

    Args:
        records: The epochs so far, at least one.
        epochs: Number of epochs that are planned: the length of the horizontal axis.
    """
    names = list(dict.fromkeys(name for record in records for name in record.losses))
    titles = [name.replace("_", "-") for name in names]
    figure = make_subplots(cols=len(names), subplot_titles=titles, horizontal_spacing=0.08)
    for column, name in enumerate(names, start=1):
        having = [record for record in records if name in record.losses]
        line = go.Scatter(
            x=[record.epoch for record in having],
            y=[record.losses[name] for record in having],
            mode="lines+markers",
            line_color=ACCENT,
            hovertemplate="epoch %{x}: %{y:.4g}<extra></extra>",
        )
        figure.add_trace(line, row=1, col=column)
    figure.update_xaxes(range=[0.5, epochs + 0.5], title="epoch", showgrid=False, fixedrange=True)
    figure.update_yaxes(rangemode="tozero", fixedrange=True, nticks=4)
    return figure.update_layout(height=HEIGHT_PX, showlegend=False, margin={"l": 0, "r": 0, "t": 30, "b": 40})
