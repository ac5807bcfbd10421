"""Draw an anomaly map that shows its values under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

HEIGHT_PX = 460
LARGEST_SIDE_PX = 128  # a larger map shows the largest value of each square of pixels


def pixel_values(stages: Sequence[NDArray[np.float32]], *, upper: float) -> go.Figure:
    """Draw the sum of the stage maps in colours, with its value and each stage's share under the cursor.

    Args:
        stages: Each stage's distances at the image's size, shape (H, W).
        upper: Value of the brightest colour; 0 is the darkest.
    """
    total = np.sum(stages, axis=0)
    step = -(-max(total.shape) // LARGEST_SIDE_PX)
    rows, columns = largest_places(total, step=step)
    parts = np.stack([stage[rows, columns] for stage in stages], axis=-1)
    summands = " + ".join(f"%{{customdata[{index}]:.3f}}" for index in range(len(stages)))
    heatmap = go.Heatmap(
        x=np.arange(total.shape[1])[step // 2 :: step][: rows.shape[1]],
        y=np.arange(total.shape[0])[step // 2 :: step][: rows.shape[0]],
        z=total[rows, columns],
        customdata=parts,
        zmin=0,
        zmax=upper,
        colorscale="Inferno",
        colorbar={"thickness": 12, "title": {"text": "distance", "side": "right"}},
        hovertemplate=f"row %{{y}}, column %{{x}}: <b>%{{z:.3f}}</b> = {summands}<extra></extra>",
    )
    figure = go.Figure(heatmap)
    figure.update_xaxes(fixedrange=True, constrain="domain", showgrid=False)
    figure.update_yaxes(fixedrange=True, autorange="reversed", scaleanchor="x", showgrid=False)
    return figure.update_layout(height=HEIGHT_PX, margin={"l": 0, "r": 0, "t": 8, "b": 24})


def largest_places(values: NDArray[np.float32], *, step: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find row and column of the largest value of each square; pixels that do not fill a square are left out.

    Args:
        values: Shape (H, W).
        step: Side of a square in pixels.

    Returns:
        Rows and columns, shape (H // step, W // step) each.
    """
    height, width = (side // step for side in values.shape)
    squares = values[: height * step, : width * step].reshape(height, step, width, step).transpose(0, 2, 1, 3)
    row, column = np.divmod(squares.reshape(height, width, -1).argmax(axis=-1), step)
    return row + step * np.arange(height)[:, None], column + step * np.arange(width)
