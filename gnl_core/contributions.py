"""Split a score of reverse distillation into the contributions of single positions, and follow one through Eq. 1-3."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gnl_core.anomaly_map import enlarge_stage_maps, stage_map
from gnl_core.config import ScoringConfig
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.distribution_matching import rank_positions
from gnl_core.models.bottleneck import map_size


class StagePart(NamedTuple):
    """One stage on its way to the score; a cell is a position of its maps.

    Attributes:
        before: The teacher's values before matching at this stage, shape (C, H, W).
        after: The values after it, E_k.
        reference: The reference's value of the same rank as each value; None for a checkpoint without references.
        student: The rebuilt values, D_k.
        distances: Cosine distance of `after` and `student` at each cell (Eq. 2), shape (H, W).
        contributions: What each cell adds to the score, shape (H, W).
    """

    before: Tensor
    after: Tensor
    reference: Tensor | None
    student: Tensor
    distances: Tensor
    contributions: Tensor


class ScoreParts(NamedTuple):
    """A score and the positions that it consists of.

    Attributes:
        score: The detector's score.
        stages: From the low-level stage to the abstract one; the contributions of all cells add up to the score.
        stage_maps: The stages' distances at the image's size, shape (S, H', W').
        contributions: What each pixel of their sum adds to the score, shape (H', W'); their sum is the score.
    """

    score: float
    stages: list[StagePart]
    stage_maps: Tensor
    contributions: Tensor


class Cell(NamedTuple):
    """A cell under a pixel.

    Attributes:
        row: Its row in the stage's map.
        column: Its column.
        weight: Its share in the pixel's value, in (0, 1]; the shares of a stage's cells add up to 1.
        distance: Its cosine distance (Eq. 2).
    """

    row: int
    column: int
    weight: float
    distance: float


class MatchedValue(NamedTuple):
    """One value of a channel on its way through matching (Eq. 1).

    Attributes:
        before: The value before matching.
        rank: Its rank among the channel's values, from 1 for the smallest; tied values in order of position.
        n_values: Number of the channel's values.
        reference: The reference's value of this rank; None without references.
        after: The value after matching.
    """

    before: float
    rank: int
    n_values: int
    reference: float | None
    after: float


def split_score(detector: RD4AD, image: Tensor, scoring: ScoringConfig, *, counted: Tensor | None = None) -> ScoreParts:
    """Split an image's score into what each position contributes to it.

    The score is proportional to the distances that it is computed from: it is their sum, each times its derivative.
    A maximum therefore consists of its pixel and the cells around it, or of equal parts if several pixels have it; a
    mean consists of all.

    Args:
        detector: A detector in eval mode that is not adapted.
        image: RGB in [0, 1], shape (3, H', W').
        scoring: Settings of the scoring.
        counted: True for the pixels that count, shape (1, 1, H', W'), and contribute to the score; None: all.

    Raises:
        ValueError: If the scoring needs more references than the checkpoint stores.
    """
    with torch.no_grad():
        stages = encode_stages(detector, image, scoring)
    size = map_size(image)
    grids = detector.network.teacher.cell_grids(size)
    with torch.enable_grad():
        maps = [stage.distances[None, None].requires_grad_() for stage in stages]
        enlarged = enlarge_stage_maps(maps, size=size, grids=grids, align_corners=scoring.align_corners)
        summed = enlarged.sum(0)
        score = detector.count_only(detector.detect_from_map(summed, scoring), counted, scoring).score.sum()
        of_pixels, *of_cells = torch.autograd.grad(score, [summed, *maps])
    return ScoreParts(
        score=float(score.detach()),
        stages=[
            stage._replace(distances=stage.distances.detach(), contributions=(distances * slope)[0, 0].detach())
            for stage, distances, slope in zip(stages, maps, of_cells, strict=True)
        ],
        stage_maps=enlarged[:, 0, 0].detach(),
        contributions=(summed * of_pixels)[0, 0].detach(),
    )


def encode_stages(detector: RD4AD, image: Tensor, scoring: ScoringConfig) -> list[StagePart]:
    """Encode and rebuild an image, and record each stage before and after matching; nothing contributes yet."""
    matching = detector.references.matching(scoring, own_weight=detector.style_weight)
    replacing = detector.references.replacing(scoring)
    recorded: list[tuple[Tensor, Tensor | None]] = []

    def mix(index: int, stage: Tensor) -> Tensor:
        recorded.append((stage, None if replacing is None else replacing(index, stage)))
        return stage if matching is None else matching(index, stage)

    features = detector.network(detector.network.teacher(image[None], mix))
    stages = []
    for (before, reference), after, student in zip(recorded, features.teacher, features.student, strict=True):
        distances = stage_map(after, student)[0, 0]
        kept = None if reference is None else reference[0]
        stages.append(StagePart(before[0], after[0], kept, student[0], distances, torch.zeros_like(distances)))
    return stages


def cells_at(detector: RD4AD, parts: ScoreParts, scoring: ScoringConfig, *, row: int, column: int) -> list[list[Cell]]:
    """Find the cells of each stage that a pixel's value is interpolated from (Eq. 3), those with most weight first."""
    size = map_size(parts.stage_maps)
    with torch.enable_grad():
        maps = [stage.distances[None, None].clone().requires_grad_() for stage in parts.stages]
        grids = detector.network.teacher.cell_grids(size)
        enlarged = enlarge_stage_maps(maps, size=size, grids=grids, align_corners=scoring.align_corners)
        weights = torch.autograd.grad(enlarged[:, 0, 0, row, column].sum(), maps)
    return [list_cells(weight[0, 0], part.distances) for weight, part in zip(weights, parts.stages, strict=True)]


def list_cells(weights: Tensor, distances: Tensor) -> list[Cell]:
    """List the cells with a weight, the heaviest first; arguments have shape (H, W)."""
    cells = [
        Cell(row, column, float(weights[row, column]), float(distances[row, column]))
        for row, column in weights.nonzero().tolist()
    ]
    return sorted(cells, key=lambda cell: -cell.weight)


def follow_value(stage: StagePart, *, channel: int, row: int, column: int) -> MatchedValue:
    """Follow one value of a stage's channel through matching (Eq. 1)."""
    values = stage.before[channel].flatten()
    position = row * stage.before.shape[-1] + column
    ascending = rank_positions(values[None, None])[0, 0]
    return MatchedValue(
        before=float(values[position]),
        rank=1 + int((ascending == position).nonzero()),
        n_values=len(values),
        reference=None if stage.reference is None else float(stage.reference[channel, row, column]),
        after=float(stage.after[channel, row, column]),
    )
