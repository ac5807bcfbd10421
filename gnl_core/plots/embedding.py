"""Draw images as points on a plane of an embedding, with arrows between the means of groups."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gnl_core.plots.style import GREY, LABEL_COLOURS

Plane = NDArray[np.float64]
Bounds = tuple[tuple[float, float], tuple[float, float]]  # of the horizontal and of the vertical axis
HEIGHT_PX, BOTTOM_PX, TOP_PX = 380, 44, 8
MARGIN_SHARE = 0.05  # of the range beyond the outermost points
DIMMED = 0.15  # opacity of points outside a selection


class Cloud(NamedTuple):
    """A group of images on the plane.

    Attributes:
        name: What they are.
        points: Their places, shape (n, 2).
        label: 0 for normal, 1 for anomalous, -1 for unlabelled; None for training images, which are grey.
        shifted: Whether they are shifted: drawn as outlines, not filled.
        texts: What is shown under the cursor, one text per image.
    """

    name: str
    points: Plane
    label: int | None
    shifted: bool
    texts: Sequence[str]


class Arrow(NamedTuple):
    """An arrow on the plane, from one point of shape (2,) to another."""

    start: Plane
    end: Plane


def embedding_plane(
    clouds: Sequence[Cloud], arrows: Sequence[Arrow], *, bounds: Bounds, titles: tuple[str, str]
) -> go.Figure:
    """Draw the points of each group; both axes have one scale.

    Args:
        clouds: The groups, those beneath first; one trace each, in this order.
        arrows: The arrows above them.
        bounds: Ends of both axes; if figures share them, they can be compared.
        titles: What lies along each axis.
    """
    across, upwards = bounds
    layout: dict[str, Any] = {
        "xaxis": axis_of(titles[0]) | {"range": across},
        "yaxis": axis_of(titles[1]) | {"range": upwards, "scaleanchor": "x"},
        "annotations": [draw_arrow(arrow) for arrow in arrows],
        "height": HEIGHT_PX,
        "showlegend": False,
        "dragmode": "select",
        "margin": {"l": 0, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
    }
    return go.Figure([draw_cloud(cloud) for cloud in clouds], layout)


def common_bounds(every: Sequence[Plane]) -> Bounds:
    """Compute ends of both axes that contain all points (n, 2), with a margin."""
    joined = np.concatenate(every)
    low, high = joined.min(axis=0), joined.max(axis=0)
    margin = MARGIN_SHARE * np.maximum(high - low, np.finfo(np.float64).tiny)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return (left, right), (bottom, top)


def axis_of(title: str) -> dict[str, Any]:
    """Lay out an axis."""
    return {"title": title, "zeroline": False, "fixedrange": True, "nticks": 6}


def draw_cloud(cloud: Cloud) -> dict[str, Any]:
    """Draw a point per image: training images grey and small, in-distribution ones filled, shifted ones outlined."""
    training = cloud.label is None
    colour = GREY if cloud.label is None else LABEL_COLOURS[cloud.label]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(cloud.name),
        "x": cloud.points[:, 0].tolist(),
        "y": cloud.points[:, 1].tolist(),
        "text": [escape(text) for text in cloud.texts],
        "hovertemplate": "%{text}<extra></extra>",
        "opacity": 0.85,
        "marker": {
            "color": colour,
            "size": 5 if training else 8,
            "symbol": "diamond-open" if cloud.shifted else "circle",
            "line": {"color": colour, "width": 1.5 if cloud.shifted else 0},
        },
        "unselected": {"marker": {"opacity": DIMMED}},
    }


def draw_arrow(arrow: Arrow) -> dict[str, Any]:
    """Draw an arrow between two places on the plane."""
    (x, y), (ax, ay) = arrow.end.tolist(), arrow.start.tolist()
    head = {"showarrow": True, "arrowhead": 2, "arrowsize": 1.2, "arrowwidth": 2.5, "arrowcolor": GREY, "text": ""}
    return head | {"x": x, "y": y, "ax": ax, "ay": ay, "axref": "x", "ayref": "y"}
