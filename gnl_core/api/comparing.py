"""Train, score and compare several methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gnl_core.api.results import ComparisonResult, Watch
from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid, plan_cells
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.sweep import check_teacher, remove_unfinished, run_cells


def compare(  # noqa: PLR0913 (a public call, all but the first by keyword)
    output: str | Path,
    *,
    normal_class: Sequence[str],
    detector: Sequence[str],
    seed: Sequence[int] = (0,),
    style_weight: Sequence[float] = (),
    domain: Sequence[str] = (),
    adapt: Sequence[str] = (),
    watch: Watch = iter,
    **settings: Any,
) -> ComparisonResult:
    """Train and score each method for each class and seed, and compare them, as `gnl compare` does.

    A second call continues where the first one stopped.

    Args:
        output: Folder for the runs and the tables.
        normal_class: Classes that are normal, one per run.
        detector: Methods, names in `DETECTORS`.
        seed: Seeds, one per run.
        style_weight: Strengths of matching at which each run is scored; none: each method's own.
        domain: Domains to score; none: all of the data set.
        adapt: What to do with a few images of each domain, such as "unlabelled:16", "normal:8" or "bank:8", as in
            `gnl compare --adapt`; none: nothing.
        watch: Wraps the runs as they end, to show progress.
        settings: Fields of `RunConfig` that all runs share, such as dataset and epochs, and settings of the methods.

    Raises:
        ValueError: If a setting is invalid, the teacher cannot be used, or a run fails; the other runs are kept.
    """
    grid = Grid(*map(as_tuple, (normal_class, detector, seed, style_weight, domain, adapt)))
    cells = plan_cells(settings, grid, output=Path(output))
    check_teacher(cells)
    failed = [outcome for outcome in watch(run_cells(cells)) if outcome.failure is not None]
    remove_unfinished(Path(output))
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(cells)} runs failed, the first, {failed[0].cell.folder.path.name}: "
            f"{failed[0].failure}; correct that and call compare again"
        )
    comparison = compare_cells(cells)
    return ComparisonResult(comparison, tuple(write_comparison(comparison, [], Path(output))))


def as_tuple(values: Any) -> tuple[Any, ...]:
    """Convert one or more values to a tuple."""
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else (values,)
