"""One pixel, step by step: from a channel's value through Eq. 1, 2 and 3 to what the pixel adds to the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.display.components import component, read
from app.display.downloads import chart_config
from app.display.maps import SIDE_PX
from app.display.pictures import enlarge, picture_url
from app.image_scoring import ImageResult
from app.screens.inspect.steps import describe_contribution, describe_matching, tabulate_cells
from app.screens.inspect.tiles import Tile, cut_subject
from app.screens.inspect.values import CHANNEL, STAGE
from app.seen import subject_as_seen
from app.sources import source_of
from app.subjects import Subject
from gnl_core.config import ScoringConfig

if TYPE_CHECKING:
    from app.inspection import Reasons
    from app.screens.inspect.tracing import PixelTrace
    from gnl_core.contributions import ScoreParts

ROW, COLUMN = "row", "column"  # query parameters, from 1
PICKER = "pixel_picker"
LARGEST_SIDE = 128  # of the values that follow the cursor; of a larger map, every other value or fewer
OPACITY = 0.65  # of the map over the image
PICKER_WIDTHS = (3, 2)
PICKER_NOTE = (
    "Click on the map, or move the mark with the arrow keys. Squares: the cell of each stage with most weight."
)
DISTANCE_NOTE = (
    "**2. Distance** (Eq. 2): features of teacher and student at the cell with most weight, scaled to length 1; "
    "the distance is one minus the cosine of their angle."
)
SUM_NOTE = (
    "**3. Sum** (Eq. 3): each stage's value is interpolated from the cells around the pixel, and the stages add up. "
    "The last column is what the first cell contributes to the score."
)


def show_position(subject: Subject, cell: ImageResult, explanation: Reasons, tile: Tile | None) -> None:
    """Choose a pixel, and show what its value is made of and what it adds to the score; only when opened."""
    with st.expander("One pixel, step by step", on_change="rerun", key="pixels") as opened:
        if not opened.open:
            return
        from app.screens.inspect.tracing import score_parts, trace_pixel  # noqa: PLC0415 (PyTorch takes seconds)

        source, scoring = source_of(cell.request.checkpoint), cell.request.scoring
        with st.spinner("Splitting the score", show_time=True):
            parts = score_parts(source, subject, scoring, tile and tile.position)
        left, right = st.columns(PICKER_WIDTHS)
        with right:
            row, column = choose_pixel(explanation)
        trace = trace_pixel(source, parts, scoring, row=row, column=column)
        with left:
            seen = subject_as_seen(subject, cell.request.checkpoint.config)
            pick(seen if tile is None else cut_subject(seen, tile), parts, trace, pixel=(row, column), upper=cell.upper)
        with right:
            st.markdown(f"Value **{trace.value:.3f}**, {describe_contribution(trace, scoring, peak=explanation.peak)}")
            st.caption(PICKER_NOTE)
        show_steps(explanation, parts, trace, scoring)


def choose_pixel(explanation: Reasons) -> tuple[int, int]:
    """Choose row and column, from 1 on the page; return them from 0. By default, those of the map's maximum."""
    sizes = explanation.stages[0].distances.shape
    for key, size in zip((ROW, COLUMN), sizes, strict=True):
        if st.session_state.get(key) is not None:
            st.session_state[key] = min(st.session_state[key], size)
    hints = [f"{place + 1}, the maximum" for place in explanation.peak]
    numbers = (
        st.number_input(
            f"Row (of {sizes[0]})", 1, sizes[0], value=None, placeholder=hints[0], key=ROW, bind="query-params"
        ),
        st.number_input(
            f"Column (of {sizes[1]})", 1, sizes[1], value=None, placeholder=hints[1], key=COLUMN, bind="query-params"
        ),
    )
    row, column = (
        peak if number is None else number - 1 for number, peak in zip(numbers, explanation.peak, strict=True)
    )
    return row, column


def pick(seen: Subject, parts: ScoreParts, trace: PixelTrace, *, pixel: tuple[int, int], upper: float) -> None:
    """Draw the map over the image, with values under the cursor; a click or the arrow keys choose a pixel."""
    from gnl_core.plots.maps import colour_map, overlay  # noqa: PLC0415 (matplotlib takes a second to import)

    values = parts.stage_maps.numpy()
    coloured = enlarge(colour_map(values.sum(axis=0), upper=upper), side_px=SIDE_PX)
    picture = overlay(enlarge(seen.image, side_px=SIDE_PX), coloured, opacity=OPACITY, revealed=1.0)
    component("pixel", html=read("pixel.html"), css=("pixel.css",), js=("pixel.js",))(
        key=PICKER,
        data={
            "picture": picture_url(picture),
            "size": values.shape[1:],
            "pixel": pixel,
            "squares": [stage.square for stage in trace.stages],
            **under_cursor(values),
        },
        on_pixel_change=adopt_pixel,
    )


def under_cursor(stage_maps: NDArray[np.float32]) -> dict[str, Any]:
    """Round the values that follow the cursor; of large maps, only every n-th row and column is sent."""
    every = -(-max(stage_maps.shape[1:]) // LARGEST_SIDE)
    return {"every": every, "values": stage_maps[:, ::every, ::every].astype(float).round(3).tolist()}


def adopt_pixel() -> None:
    """Choose the pixel that was clicked on."""
    row, column = st.session_state[PICKER].pixel
    st.session_state[ROW], st.session_state[COLUMN] = int(row) + 1, int(column) + 1


def show_steps(explanation: Reasons, parts: ScoreParts, trace: PixelTrace, scoring: ScoringConfig) -> None:
    """Draw the three equations with the numbers of this pixel."""
    from app.screens.inspect.tracing import follow_channel  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.plots.vectors import VectorPair, vector_pairs  # noqa: PLC0415 (Plotly takes a second to import)

    stage = (st.session_state.get(STAGE) or 1) - 1
    channel = chosen_channel(explanation, stage)
    value = follow_channel(parts, trace, stage=stage, channel=channel)
    st.markdown(describe_matching(value, trace.stages[stage].cells[0], scoring, stage=stage, channel=channel))
    st.markdown(DISTANCE_NOTE)
    pairs = [VectorPair(one.teacher, one.student, one.cells[0].distance) for one in trace.stages]
    st.plotly_chart(
        vector_pairs(pairs, marked=(stage, channel)),
        key="vectors",
        config=chart_config("features"),
        alt="; ".join(f"stage {number}: distance {pair.distance:.3f}" for number, pair in enumerate(pairs, start=1)),
    )
    st.markdown(SUM_NOTE)
    st.markdown(tabulate_cells(trace))


def chosen_channel(explanation: Reasons, stage: int) -> int:
    """Return the channel chosen at the sorted values, from 0; by default the one that matching moves most."""
    chosen = st.session_state.get(CHANNEL)
    one = explanation.stages[stage]
    return one.farthest if chosen is None else min(int(chosen), len(one.before)) - 1
