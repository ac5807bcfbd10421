"""A run's scores of the example line, on disk. Nothing here imports PyTorch."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from gnl_core.adaptation.following import FixedThreshold
from gnl_core.config import RunConfig, ScoringConfig, scoring_settings
from gnl_core.datasets.parts.line import list_shots
from gnl_core.files import hash_file
from gnl_core.files.records import SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.followed import ScoredLine
from gnl_core.strict_json import to_json

DECIMALS = 5  # of saved scores


class SavedLine(SavedRecord):
    """A ScoredLine in a file, with what it depends on: the checkpoint's hash and the scoring settings."""

    checkpoint: str
    scoring: ScoringConfig
    names: tuple[str, ...]
    score: tuple[float, ...]
    fixed: FixedThreshold
    block: int
    shift_scores: tuple[float | None, ...]
    no_shift_score: str | None

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        """Check that each image has a score, and each block an entry."""
        if self.block < 1 or len(self.score) != len(self.names):
            raise ValueError("there are not as many scores as images")
        if len(self.shift_scores) != -(-len(self.names) // self.block):
            raise ValueError("there are not as many shift scores as blocks of images")
        return self


def save_line(folder: RunFolder, scored: ScoredLine, config: RunConfig) -> None:
    """Save a run's scores of the example line, rounded, with the hash of its checkpoint; replaces the file.

    Args:
        folder: The run.
        scored: The scores, under the run's own scoring settings.
        config: The run's settings.
    """
    fixed = scored.fixed._replace(value=round(scored.fixed.value, DECIMALS), usual=round(scored.fixed.usual, DECIMALS))
    content = {
        "checkpoint": hash_file(folder.weights),
        "scoring": scoring_settings(config).model_dump(),
        **scored._asdict(),
        "score": [round(float(score), DECIMALS) for score in scored.score],
        "fixed": fixed._asdict(),
    }
    write_atomically(folder.line, to_json(content).encode())


def read_line(folder: RunFolder, config: RunConfig, checkpoint: str) -> ScoredLine | None:
    """Read a run's scores of the example line.

    Args:
        folder: The run.
        config: Its settings.
        checkpoint: SHA-256 of its checkpoint.

    Returns:
        The scores; None if there are none, or they are of another checkpoint, other settings or another line.

    Raises:
        UnreadableFileError: If the file is damaged.
    """
    try:
        saved = read_record(folder.line, SavedLine, remedy="remove it; the page Follow then scores the line again")
    except FileNotFoundError:
        return None
    wanted = checkpoint, scoring_settings(config), config.threshold_quantile
    of_this_line = saved.names == tuple(shot.name for shot in list_shots())
    if not of_this_line or (saved.checkpoint, saved.scoring, saved.fixed.quantile) != wanted:
        return None
    return ScoredLine(
        names=saved.names,
        score=np.array(saved.score, dtype=np.float64),
        fixed=saved.fixed,
        block=saved.block,
        shift_scores=saved.shift_scores,
        no_shift_score=saved.no_shift_score,
    )
