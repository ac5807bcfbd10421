"""Scores of a domain after some of its images, a tray, were put to use: made by `gnl compare --adapt`, on disk.

A row belongs to a checkpoint, the scoring settings, the use of the tray and the pixels of the tray's images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gnl_core.config import ScoringConfig
from gnl_core.config.values import EngineName
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.score_columns import TEXT, WHOLE
from gnl_core.runs.scores import (
    SCORING_KEYS,
    Columns,
    current_checkpoint,
    read_rows,
    repeat,
    replace_rows,
    score_columns,
    select_rows,
)
from gnl_core.runs.trays import TrayUse

TRAY_COLUMNS = {"way": TEXT, "kind": TEXT, "size": WHOLE, "tray": TEXT}  # besides those of scores.parquet


class TrayScores(NamedTuple):
    """Scores of the images of a domain that are not in a tray.

    Attributes:
        use: What was done with the tray.
        digest: The tray's images; see `gnl_core.runs.tray_images.digest_tray`.
        scoring: How the images were scored.
        scores: Their scores.
    """

    use: TrayUse
    digest: str
    scoring: ScoringConfig
    scores: Scores


def save_tray_scores(
    folder: RunFolder,
    scored: Sequence[TrayScores],
    *,
    checkpoint: str | None = None,
    engine: EngineName = "torch",
) -> None:
    """Save scores, as `save_scores` does; those of the same use under the same settings are replaced."""
    checkpoint = current_checkpoint(folder, checkpoint)
    parts = []
    for use, digest, scoring, scores in scored:
        origin = {"checkpoint": checkpoint, "engine": engine, **use._asdict(), "tray": digest, **scoring.model_dump()}
        parts.append(score_columns(scores) | repeat(origin, count=len(scores.score)))
    replace_rows(folder.tray_scores, parts, kept=read_tray_scores(folder), keys=(*SCORING_KEYS, *TrayUse._fields))


def read_tray_scores(folder: RunFolder) -> Columns | None:
    """Read the saved rows of the current checkpoint; None if there are none."""
    return read_rows(folder.tray_scores, weights=folder.weights, more=TRAY_COLUMNS)


def select_tray_scores(
    rows: Columns, *, domain: str, use: TrayUse, scoring: ScoringConfig, digest: str | None = None
) -> Scores | None:
    """Select the scores of one domain from `read_tray_scores`; None if there are no such rows.

    Args:
        rows: The saved rows.
        domain: The domain.
        use: What was done with the tray.
        scoring: How the images were scored.
        digest: The tray's images, to find only scores after exactly these; None for any.
    """
    exact = {} if digest is None else {"tray": digest}
    return select_rows(rows, {"domain": domain, **scoring.model_dump(), **use._asdict(), **exact})
