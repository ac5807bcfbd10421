"""Draw the map that carries one channel's values over to another domain."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gnl_core.plots.style import ACCENT, GREY

HEIGHT_PX = 260
LARGEST_POINTS = 64  # of the image's values, at evenly spaced ranks


def channel_map_curve(
    places: NDArray[np.float32],
    mapped: NDArray[np.float32],
    *,
    before: NDArray[np.float32],
    after: NDArray[np.float32],
) -> go.Figure:
    """Draw a channel's map beside the identity, and some of an image's values on it.

    Args:
        places: Values along the map, ascending, shape (P,).
        mapped: What the map makes of them, shape (P,).
        before: The image's sorted values, shape (N,).
        after: Its sorted values when they are mapped, and matched if images are matched, shape (N,); off the curve in
            the latter case.
    """
    ranks = np.linspace(0, len(before) - 1, min(len(before), LARGEST_POINTS)).round().astype(int)
    ends = [float(places[0]), float(places[-1])]
    figure = go.Figure(
        [
            go.Scatter(x=ends, y=ends, name="identity", mode="lines", line={"color": GREY, "dash": "dot", "width": 2}),
            go.Scatter(
                x=places.tolist(), y=mapped.tolist(), name="map", mode="lines", line={"color": ACCENT, "width": 3}
            ),
            go.Scatter(
                x=before[ranks].tolist(),
                y=after[ranks].tolist(),
                name="this image",
                mode="markers",
                marker={"color": GREY, "size": 6},
            ),
        ]
    )
    figure.update_traces(hovertemplate="%{x:.3f} → %{y:.3f}")
    figure.update_xaxes(title="value before", showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(title="value after", nticks=5, zeroline=False, fixedrange=True)
    return figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 0, "r": 0, "t": 24, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
