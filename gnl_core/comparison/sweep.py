"""Train and score the cells of a comparison, here or on a Ray cluster.

A cell is a run folder. It gets its final name when training is complete, so an interrupted training never counts as
a run; it leaves a state from which the next attempt resumes.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gnl_core.comparison.grid import GridCell, load_cell, saved_scores
from gnl_core.comparison.tray_sweep import missing_tasks, score_trays
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors import find_method
from gnl_core.detectors.base import load_teacher
from gnl_core.detectors.references import check_can_store
from gnl_core.engines import engine_of
from gnl_core.files import real_path
from gnl_core.finite import check_scores
from gnl_core.models.teachers import check_is_cut
from gnl_core.records import Scores
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config
from gnl_core.runs.scores import read_saved_scores, save_scores_each, select_scores
from gnl_core.runs.scoring import load_domain
from gnl_core.runs.training import train_run
from gnl_core.scoring import score_each

UNFINISHED = ".unfinished"  # folder in the output; its runs are two levels down, so they are not listed
RETRIES = 3


class Outcome(NamedTuple):
    """Result of a cell: complete (`failure` is None), or the reason for its failure in one sentence."""

    cell: GridCell
    failure: str | None


def check_teacher(cells: Sequence[GridCell]) -> None:
    """Check the teacher that the cells share, before any of them starts: it would fail each of them in the same way.

    Cells that are complete, or whose method has no teacher, do not need it.

    Raises:
        ValueError: If it cannot be built, cannot read the images, has no weights that can be used, or cannot be matched
            although that is requested; the message says what to do.
    """
    with_teacher = (cell for cell in cells if find_method(cell.config.detector).matches)
    waiting = next((cell for cell in with_teacher if not is_complete(cell)), None)
    if waiting is None:
        return
    teacher = load_teacher(waiting.config)
    check_can_store(teacher, waiting.config)
    if any(scoring.style_weight for cell in cells for scoring in cell.scorings):
        check_is_cut(teacher, purpose="features cannot be matched behind a stage", remedy="use --style-weight 0")


def is_complete(cell: GridCell) -> bool:
    """Return whether nothing of a cell is left to train or score; a cell that cannot be read reports that itself."""
    try:
        return is_trained(cell.folder, cell.config) and not missing_scorings(cell) and not any(missing_tasks(cell))
    except (ValueError, OSError):
        return False


def run_cells(cells: Sequence[GridCell]) -> Iterator[Outcome]:
    """Train and score all cells, one after the other."""
    for cell in cells:
        yield run_cell(cell)


def run_cells_on_ray(cells: Sequence[GridCell], *, address: str) -> Iterator[Outcome]:
    """Train and score all cells as tasks of a Ray cluster; outcomes come in order of completion.

    The cell of a killed worker is retried by another worker. The remaining work follows from the cell's folder, so
    nothing is lost or repeated. Output and data must have the same paths on all machines.

    Args:
        cells: The cells to complete.
        address: "local" starts Ray on this machine, "auto" connects to a running one, else a cluster's address.

    Raises:
        ValueError: If Ray is not installed or the cluster cannot be reached.
    """
    ray = connect_ray(address)
    try:
        threads = threads_for(cells, [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]])
        needs_gpu = ray.cluster_resources().get("GPU", 0) > 0 and cells[0].config.device != "cpu"
        task = ray.remote(num_cpus=threads, num_gpus=int(needs_gpu), max_retries=RETRIES)(run_cell_in_worker)
        running = {task.remote(with_absolute_folder(cell), threads=threads): cell for cell in cells}
        while running:
            (ended, *_), _ = ray.wait(list(running), num_returns=1)
            cell = running.pop(ended)
            try:
                yield Outcome(cell, ray.get(ended).failure)
            except ray.exceptions.RayError as error:
                yield Outcome(cell, f"its worker was lost {RETRIES + 1} times: {type(error).__name__}")
    finally:
        ray.shutdown()


def connect_ray(address: str) -> Any:
    """Import Ray and connect it to a cluster.

    Raises:
        ValueError: If Ray is not installed or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry
    try:
        import ray  # noqa: PLC0415 (an extra, and seconds of import)
    except ImportError:
        raise ValueError("--ray needs Ray, which is not installed; install gnl with its extra: [cluster]") from None
    try:
        ray.init(address=address, runtime_env=ray_environment(), log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"cannot reach a Ray cluster at {address!r} ({reason}); use local to start one on this machine"
        ) from None
    return ray


def ray_environment() -> dict[str, dict[str, str]]:
    """Return the environment variables that workers need from this process: the data root."""
    return {"env_vars": {name: os.environ[name] for name in ("GNL_DATA",) if name in os.environ}}


def threads_for(cells: Sequence[GridCell], node_processors: Sequence[float]) -> int:
    """Return the CPU cores per cell: an equal share of the cluster, at least 1, at most those of the smallest node."""
    share = int(sum(node_processors)) // len(cells)
    return max(1, min([share, *(int(count) for count in node_processors if count >= 1)]))


def with_absolute_folder(cell: GridCell) -> GridCell:
    """Return the cell with an absolute folder path."""
    return cell._replace(folder=RunFolder(real_path(cell.folder.path)))


def run_cell_in_worker(cell: GridCell, *, threads: int) -> Outcome:
    """Train and score a cell with a limited number of threads."""
    torch.set_num_threads(threads)
    return run_cell(cell)


def run_cell(cell: GridCell) -> Outcome:
    """Train and score a cell; return a failure instead of raising it, so that other cells continue."""
    try:
        if not is_trained(cell.folder, cell.config):
            train_cell(cell)
        score_cell(cell)
        check_saved_scores(cell)
        score_trays(cell)
    except (ValueError, OSError) as error:
        return Outcome(cell, str(error))
    except Exception as error:  # a bug of ours or of a library, in this cell only
        return Outcome(cell, f"{type(error).__name__}: {error}".splitlines()[0])
    return Outcome(cell, None)


def train_cell(cell: GridCell) -> None:
    """Train a cell in a hidden folder, resuming an interrupted attempt, and move it to its own folder when complete."""
    attempts = cell.folder.path.parent / UNFINISHED / cell.folder.path.name
    attempt = RunFolder(attempts / f"{platform.node()}-{os.getpid()}")
    if not adopt_attempt(attempts, attempt, cell.config):
        shutil.rmtree(attempts, ignore_errors=True)
        create_run(attempt.path, cell.config)
    try:
        if not is_trained(attempt, cell.config):  # killed before it was moved
            for _ in train_run(cell.config, attempt):
                pass
        shutil.rmtree(cell.folder.path, ignore_errors=True)
        attempt.path.rename(cell.folder.path)
    finally:
        if not attempt.state.exists() and not is_trained(attempt, cell.config):
            shutil.rmtree(attempts, ignore_errors=True)


def adopt_attempt(attempts: Path, attempt: RunFolder, config: RunConfig) -> bool:
    """Rename an attempt of the same settings that has a saved state or is complete; return whether there was one.

    After renaming, a process that still trains there although it was given up ends at its next save.
    """
    for interrupted in sorted(RunFolder(file.parent) for file in attempts.glob(f"*/{attempt.config.name}")):
        can_continue = interrupted.state.exists() or is_trained(interrupted, config)
        if can_continue and not any(differing_settings(read_config(interrupted), config)):
            interrupted.path.rename(attempt.path)
            return True
    return False


def score_cell(cell: GridCell) -> None:
    """Score a cell under its missing scoring settings, and save all scores at once."""
    missing = missing_scorings(cell)
    if not missing:
        return
    run = load_cell(cell)
    all_scored: list[tuple[ScoringConfig, Scores]] = []
    for domain, scorings in missing.items():
        scored = score_each(run.detector, load_domain(run, domain), scorings)
        all_scored += zip(scorings, scored, strict=True)
    save_scores_each(cell.folder, all_scored, checkpoint=run.sha256, engine=engine_of(run.detector))


def check_saved_scores(cell: GridCell) -> None:
    """Check that all saved scores of a cell are finite, including those of older versions.

    Raises:
        DivergedError: If a score is not finite.
    """
    for domain, scores in saved_scores(cell):
        check_scores(scores.score, source=domain)


def remove_unfinished(output: Path) -> None:
    """Remove the hidden folder of attempts, unless another process uses it."""
    with suppress(OSError):
        (output / UNFINISHED).rmdir()


def missing_scorings(cell: GridCell) -> dict[str, list[ScoringConfig]]:
    """Return the scoring settings per domain for which the current checkpoint has no saved scores."""
    rows = read_saved_scores(cell.folder)
    missing = {
        domain: [
            scoring
            for scoring in cell.scorings
            if rows is None or select_scores(rows, domain=domain, scoring=scoring) is None
        ]
        for domain in cell.domains
    }
    return {domain: scorings for domain, scorings in missing.items() if scorings}
