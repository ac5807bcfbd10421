"""Draw AUROC over the epochs of a training."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import plotly.graph_objects as go

from gnl_core.plots.style import ACCENT, GREY

HEIGHT_PX = 200


def auroc_curves(curves: Mapping[str, Mapping[int, float]]) -> go.Figure:
    """Draw AUROC over the epochs in two domains, each named at the end of its line.

    Args:
        curves: Domain name to AUROC in [0, 1] by epoch, the in-distribution domain first; no curve is empty.
    """
    figure = go.Figure()
    for (domain, curve), colour, dash in zip(curves.items(), (GREY, ACCENT), ("solid", "dash"), strict=True):
        name, epochs, values = escape(domain), list(curve), list(curve.values())
        figure.add_scatter(
            x=epochs,
            y=values,
            mode="lines+markers+text",
            line={"color": colour, "dash": dash},
            text=[*[""] * (len(epochs) - 1), f"{name} {values[-1]:.3f}"],
            textposition="middle right",
            cliponaxis=False,
            hovertemplate=f"{name}, after epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_xaxes(title="epoch", showgrid=False, fixedrange=True, domain=(0, 0.7))
    figure.update_yaxes(title="AUROC", fixedrange=True, nticks=5)
    return figure.update_layout(height=HEIGHT_PX, showlegend=False, margin={"l": 0, "r": 0, "t": 10, "b": 40})
