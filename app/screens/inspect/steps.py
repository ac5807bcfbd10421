"""The numbers of one pixel as sentences and a table. Nothing here imports PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.words import with_minus
from gnl_core.config import ScoringConfig
from gnl_core.config.values import stage_indices

if TYPE_CHECKING:
    from app.screens.inspect.tracing import PixelTrace
    from gnl_core.contributions import Cell, MatchedValue

TIMES = "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}"


def describe_matching(value: MatchedValue, cell: Cell, scoring: ScoringConfig, *, stage: int, channel: int) -> str:
    """State what matching does to one value of a channel.

    Args:
        value: The value.
        cell: Its cell.
        scoring: The scoring settings, with a strength.
        stage: Its stage, from 0.
        channel: Its channel, from 0.
    """
    weight = scoring.style_weight or 0.0
    place = f"stage {stage + 1}, channel {channel + 1}, cell {cell.row + 1}, {cell.column + 1}"
    rank = f"The value {number(value.before)} has rank {value.rank:,} of {value.n_values:,}"
    beginning = f"**1. Matching** (Eq. 1) at {place}. {rank}"
    if value.reference is None:
        return f"{beginning}. The checkpoint stores no references, so it stays."
    if not weight or stage not in stage_indices(scoring.matched_stages):
        reason = "this stage is not matched" if weight else "FDM is off"
        return f"{beginning}; the reference's value of this rank is {number(value.reference)}. It stays: {reason}."
    terms = f"{1 - weight:g}{TIMES}{bracketed(value.before)} + {weight:g}{TIMES}{bracketed(value.reference)}"
    return (
        f"{beginning}; the reference's value of this rank is {number(value.reference)}. With α = {weight:g}, "
        f"it becomes {terms} = **{number(value.after)}**."
    )


def number(value: float) -> str:
    """Format a value with three decimals."""
    return with_minus(f"{value:.3f}")


def bracketed(value: float) -> str:
    """Format a factor, in brackets if it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def tabulate_cells(trace: PixelTrace) -> str:
    """List for each stage the cells under the pixel, what they add up to, and what the first contributes."""
    lines = ["| stage | distance · weight of each cell | value | of the score |", "|---|---|---|---|"]
    for place, stage in enumerate(trace.stages, start=1):
        terms = " + ".join(f"{cell.distance:.3f}{TIMES}{cell.weight:.2f}" for cell in stage.cells)
        share = share_of(stage.contribution, trace.score)
        lines.append(f"| {place} | {terms} | {stage.value:.3f} | {share} |")
    return "\n".join([*lines, f"| sum | | **{trace.value:.3f}** | |"])


def describe_contribution(trace: PixelTrace, scoring: ScoringConfig, *, peak: tuple[int, int]) -> str:
    """State what a pixel adds to the score, as the end of a sentence."""
    share = share_of(trace.contribution, trace.score)
    if trace.contribution or scoring.reduction != "maximum" or scoring.smoothing_sigma_px:
        return f"which adds {trace.contribution:.3g} to the score of {trace.score:.3f}: **{share}**."
    row, column = peak
    return (
        f"which adds nothing to the score: that is the map's maximum, {trace.score:.3f} at row {row + 1}, "
        f"column {column + 1}."
    )


def share_of(part: float, whole: float) -> str:
    """Format a part as a percentage of a whole, with as many digits as it needs."""
    return f"{100 * part / whole if whole else 0:.3g}\N{NO-BREAK SPACE}%"
