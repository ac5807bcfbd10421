"""Read and write the scores of a run: one row per image and scoring settings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.files import hash_file, write_atomically
from gnl_core.finite import all_finite, count_not_finite
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder

SCORE_COLUMNS = list(Scores.__dataclass_fields__)


Columns = dict[str, NDArray[Any]]  # columns of scores.parquet by name, all of equal length


def save_scores(folder: RunFolder, scores: Scores, scoring: ScoringConfig) -> None:
    """Save scores with their scoring settings and the hash of their checkpoint.

    Rows of the same checkpoint under other settings are kept; all others are replaced.
    """
    save_scores_each(folder, [(scoring, scores)])


def save_scores_each(folder: RunFolder, scored: Sequence[tuple[ScoringConfig, Scores]]) -> None:
    """Save the scores of several scoring settings in one write, as `save_scores` does for one."""
    checkpoint = hash_file(folder.weights)
    parts = [
        {name: getattr(scores, name) for name in SCORE_COLUMNS}
        | repeat({"checkpoint": checkpoint, **scoring.model_dump()}, count=len(scores.score))
        for scoring, scores in scored
    ]
    kept = read_saved_scores(folder)
    if kept is not None:
        replaced = set().union(*(scoring_keys(part) for part in parts))
        stays = np.array([key not in replaced for key in scoring_keys(kept)])
        parts.insert(0, {name: column[stays] for name, column in kept.items()})
    tables = [pa.table({name: part[name] for name in parts[-1]}) for part in parts]
    rows = pa.concat_tables(tables, promote_options="default")  # a column of nulls has no type of its own
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    write_atomically(folder.scores, buffer.getvalue())


def repeat(values: dict[str, Any], *, count: int) -> Columns:
    """Return columns with the same value in each row."""
    return {name: np.full(count, value, dtype=object) for name, value in values.items()}


def scoring_keys(rows: Columns) -> list[tuple[Any, ...]]:
    """Return the domain and all scoring settings of each row."""
    return list(zip(*(rows[name].tolist() for name in ("domain", *ScoringConfig.model_fields)), strict=True))


def read_saved_scores(folder: RunFolder) -> Columns | None:
    """Read the saved scores of the current checkpoint, one row per image and scoring settings; None if there are none.

    A setting that is newer than the file gets its default, which was in effect when the images were scored.
    """
    if not folder.scores.exists():
        return None
    with pq.ParquetFile(folder.scores) as file:  # pq.read_table imports pandas
        table = file.read()
    rows = {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}
    present = rows["checkpoint"] == hash_file(folder.weights)
    newer = {name: field.default for name, field in ScoringConfig.model_fields.items() if name not in rows}
    rows |= repeat(newer, count=len(present))
    rows["score"] = rows["score"].astype(np.float64)  # other writers store a NaN as a null
    return {name: column[present] for name, column in rows.items()} if present.any() else None


def to_numpy(column: pa.Array) -> NDArray[Any]:
    """Convert a column without Arrow's own conversion, which imports pandas."""
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and not column.null_count:
        return np.from_dlpack(column)
    return np.array(column.to_pylist(), dtype=object)


def count_diverged_scores(folder: RunFolder) -> tuple[int, int]:
    """Count the current checkpoint's saved scores that are not finite, and all its scores; (0, 0) if all are finite."""
    if not folder.scores.exists():
        return 0, 0
    with pq.ParquetFile(folder.scores) as file:
        column = to_numpy(file.read(columns=["score"])["score"].combine_chunks()).astype(np.float64)
    rows = None if all_finite(column) else read_saved_scores(folder)  # hashes the checkpoint, so only if needed
    return (0, 0) if rows is None else (count_not_finite(rows["score"]), len(rows["score"]))


def find_scores(folder: RunFolder, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Look up the saved scores of one domain under given scoring settings; None if there are none."""
    rows = read_saved_scores(folder)
    return None if rows is None else select_scores(rows, domain=domain, scoring=scoring)


def select_scores(rows: Columns, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Select one domain under given scoring settings from `read_saved_scores`; None if there are no such rows."""
    wanted = {"domain": domain, **scoring.model_dump()}
    chosen = np.all([rows[name] == value for name, value in wanted.items()], axis=0)
    return Scores(**{name: rows[name][chosen] for name in SCORE_COLUMNS}) if chosen.any() else None
