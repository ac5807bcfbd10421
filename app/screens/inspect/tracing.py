"""One pixel of an anomaly map, followed back to the values that it comes from. Imports PyTorch, as app.inspection."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch.nn.functional as F
from numpy.typing import NDArray

from app.compute import run_of
from app.inspection import HASHED, as_counted_input, explained
from app.server import rules
from app.sources import Source
from app.subjects import Subject
from gnl_core.cells import cells_under
from gnl_core.config import ScoringConfig
from gnl_core.contributions import Cell, MatchedValue, ScoreParts, cells_at, follow_value, split_score

Vector = NDArray[np.float32]


class StageTrace(NamedTuple):
    """One stage at a pixel.

    Attributes:
        cells: The cells that the pixel's value is interpolated from, the one with most weight first; the other
            attributes but the value are about this one.
        value: The stage's value at the pixel.
        square: The pixels that the cell covers: first row, first column, height, width.
        teacher: Its matched features, scaled to length 1, shape (C,).
        student: Its rebuilt features, likewise.
        contribution: What it adds to the score.
    """

    cells: list[Cell]
    value: float
    square: tuple[int, int, int, int]
    teacher: Vector
    student: Vector
    contribution: float


class PixelTrace(NamedTuple):
    """A pixel on its way to the score.

    Attributes:
        stages: From the low-level stage to the abstract one.
        contribution: What the pixel adds to the score.
        score: The score.
    """

    stages: list[StageTrace]
    contribution: float
    score: float

    @property
    def value(self) -> float:
        """The pixel's value before smoothing."""
        return sum(stage.value for stage in self.stages)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def score_parts(source: Source, subject: Subject, scoring: ScoringConfig, tile: int | None = None) -> ScoreParts:
    """Split the score of an image, or of one of its tiles, into contributions, on the CPU. Do not modify the result.

    Raises:
        ValueError: If the checkpoint cannot be used, or its method has no stages; the message says why.
    """
    rules.count_computation()
    run = run_of(source)
    detector = explained(run)
    image, counted = as_counted_input(run, subject, scoring, tile)
    parts = split_score(detector, image, scoring, counted=counted)
    stages = [
        stage._replace(**{name: part.cpu() for name, part in stage._asdict().items() if part is not None})
        for stage in parts.stages
    ]
    return ScoreParts(parts.score, stages, parts.stage_maps.cpu(), parts.contributions.cpu())


def trace_pixel(source: Source, parts: ScoreParts, scoring: ScoringConfig, *, row: int, column: int) -> PixelTrace:
    """Follow a pixel back to the cells of each stage."""
    detector = explained(run_of(source))
    every = cells_at(detector, parts, scoring, row=row, column=column)
    size = (parts.stage_maps.shape[1], parts.stage_maps.shape[2])
    grids = detector.network.teacher.cell_grids(size)
    stages = []
    for stage, cells, grid, values in zip(parts.stages, every, grids, parts.stage_maps, strict=True):
        cell, (rows, columns) = cells[0], stage.distances.shape
        covered = cells_under((rows, columns), size=size, grid=grid)
        spans = [np.flatnonzero(under == place) for under, place in zip(covered, (cell.row, cell.column), strict=True)]
        vectors = [F.normalize(part[:, cell.row, cell.column], dim=0).numpy() for part in (stage.after, stage.student)]
        stages.append(
            StageTrace(
                cells=cells,
                value=float(values[row, column]),
                square=(int(spans[0][0]), int(spans[1][0]), len(spans[0]), len(spans[1])),
                teacher=vectors[0],
                student=vectors[1],
                contribution=float(stage.contributions[cell.row, cell.column]),
            )
        )
    return PixelTrace(stages, float(parts.contributions[row, column]), parts.score)


def follow_channel(parts: ScoreParts, trace: PixelTrace, *, stage: int, channel: int) -> MatchedValue:
    """Follow one channel's value at the pixel's cell through matching; stage and channel count from 0."""
    cell = trace.stages[stage].cells[0]
    part = parts.stages[stage]
    return follow_value(part, channel=min(channel, len(part.before) - 1), row=cell.row, column=cell.column)
