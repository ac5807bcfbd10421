"""Draw training curves."""

from __future__ import annotations

import plotly.graph_objects as go

from gnl_core.plots.scrubber import TOP_PX, Trace, axis_of, heading
from gnl_core.plots.style import ACCENT
from gnl_core.records import EpochRecord

HEIGHT_PX, BOTTOM_PX = 190, 40
COLUMN_GAP = 0.2  # in widths of a column, with room for tick labels


def loss_curves(records: list[EpochRecord], *, epochs: int) -> go.Figure:
    """Draw each named loss term over its epochs, on separate axes: terms differ by orders of magnitude.

    Args:
        records: The epochs so far, at least one.
        epochs: Number of planned epochs, the length of the horizontal axis.
    """
    names = list(dict.fromkeys(name for record in records for name in record.losses))
    across = {"range": [0.5, epochs + 0.5], "title": "epoch", "showgrid": False, "fixedrange": True}
    upwards = {"rangemode": "tozero", "fixedrange": True, "nticks": 4}
    layout = {
        "grid": {"rows": 1, "columns": len(names), "pattern": "independent", "xgap": COLUMN_GAP},
        "annotations": [heading(name.replace("_", "-"), column=column) for column, name in enumerate(names)],
        "height": HEIGHT_PX,
        "showlegend": False,
        "margin": {"l": 0, "r": 0, "t": TOP_PX, "b": BOTTOM_PX},
    }
    for column in range(len(names)):
        layout |= {f"xaxis{column + 1}": across, f"yaxis{column + 1}": upwards}
    return go.Figure([term_line(records, name, column=column) for column, name in enumerate(names)], layout)


def term_line(records: list[EpochRecord], name: str, *, column: int) -> Trace:
    """Draw one loss term over the epochs that have it."""
    term_records = [record for record in records if name in record.losses]
    return {
        "type": "scatter",
        "x": [record.epoch for record in term_records],
        "y": [record.losses[name] for record in term_records],
        "xaxis": axis_of("x", column),
        "yaxis": axis_of("y", column),
        "mode": "lines+markers",
        "line": {"color": ACCENT},
        "hovertemplate": "epoch %{x}: %{y:.4g}<extra></extra>",
    }
