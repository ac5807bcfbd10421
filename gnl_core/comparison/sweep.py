"""Many runs for one comparison: a cell made whole, and all of them, here or on a Ray cluster.

A cell is a run folder. It gets its name when its training is done: what is cut off, by whatever, leaves
nothing behind that counts, and a state from which the next try goes on.
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

from gnl_core.comparison.grid import GridCell, saved_answers
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.finite import check_scores
from gnl_core.records import Scores
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config
from gnl_core.runs.scores import read_saved_scores, save_scores_each, select_scores
from gnl_core.runs.scoring import load_domain, load_run
from gnl_core.runs.training import train_run
from gnl_core.scoring import score_each

UNFINISHED = ".unfinished"  # a folder in the output, two levels above its runs: nobody lists them
RETRIES = 3


class Outcome(NamedTuple):
    """How a cell ended: whole, or with a reason in one sentence."""

    cell: GridCell
    failure: str | None


def run_cells(cells: Sequence[GridCell]) -> Iterator[Outcome]:
    """Make all cells whole, one after the other."""
    for cell in cells:
        yield run_cell(cell)


def run_cells_on_ray(cells: Sequence[GridCell], *, address: str) -> Iterator[Outcome]:
    """Make all cells whole as tasks of a Ray cluster, in the order in which they end.

    A killed worker's cell is tried again by another worker. What the folder holds decides what is left to do, so
    nothing is lost and nothing is done twice. All machines have to see the output and the data under the same paths.

    Args:
        cells: The cells.
        address: "local" starts Ray on this machine, "auto" finds one that runs here, else a cluster's address.

    Raises:
        ValueError: If Ray is not installed or the cluster cannot be reached.
    """
    ray = connect_ray(address)
    try:
        threads = threads_for(cells, [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]])
        needs_gpu = ray.cluster_resources().get("GPU", 0) > 0 and cells[0].config.device != "cpu"
        task = ray.remote(num_cpus=threads, num_gpus=int(needs_gpu), max_retries=RETRIES)(run_cell_in_worker)
        running = {task.remote(anchor(cell), threads=threads): cell for cell in cells}
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
    """The Ray library, connected to a cluster.

    Raises:
        ValueError: If it is not installed or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told
    try:
        import ray  # noqa: PLC0415 (an extra, and seconds of import)
    except ImportError:
        raise ValueError("--ray needs Ray, which is not installed; install gnl with its extra: [cluster]") from None
    try:
        ray.init(address=address, runtime_env=ray_environment(), log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"cannot reach a Ray cluster at {address!r} ({reason}); use local to start one here") from None
    return ray


def ray_environment() -> dict[str, dict[str, str]]:
    """What workers take over from this process's environment: where the data lies."""
    return {"env_vars": {name: os.environ[name] for name in ("GNL_DATA",) if name in os.environ}}


def threads_for(cells: Sequence[GridCell], node_processors: Sequence[float]) -> int:
    """Processors of each cell: its share of the cluster's, at least one and no more than any machine has."""
    share = int(sum(node_processors)) // len(cells)
    return max(1, min([share, *(int(count) for count in node_processors if count >= 1)]))


def anchor(cell: GridCell) -> GridCell:
    """The cell with a folder that is the same from any working directory."""
    return cell._replace(folder=RunFolder(cell.folder.path.resolve()))


def run_cell_in_worker(cell: GridCell, *, threads: int) -> Outcome:
    """Make a cell whole with a share of the machine's threads."""
    torch.set_num_threads(threads)
    return run_cell(cell)


def run_cell(cell: GridCell) -> Outcome:
    """Make a cell whole; whatever goes wrong in it is told, and does not stop the others."""
    try:
        if not is_trained(cell.folder, cell.config):
            train_cell(cell)
        score_cell(cell)
        check_answers(cell)
    except (ValueError, OSError) as error:
        return Outcome(cell, str(error))
    except Exception as error:  # a mistake of ours or of a library, in this cell alone
        return Outcome(cell, f"{type(error).__name__}: {error}".splitlines()[0])
    return Outcome(cell, None)


def train_cell(cell: GridCell) -> None:
    """Train a cell out of sight, from where another try was cut off, and give it its name when it is done."""
    attempts = cell.folder.path.parent / UNFINISHED / cell.folder.path.name
    attempt = RunFolder(attempts / f"{platform.node()}-{os.getpid()}")
    if not take_over(attempts, attempt, cell.config):
        shutil.rmtree(attempts, ignore_errors=True)
        create_run(attempt.path, cell.config)
    try:
        for _ in train_run(cell.config, attempt):
            pass
        shutil.rmtree(cell.folder.path, ignore_errors=True)
        attempt.path.rename(cell.folder.path)
    finally:
        if not attempt.state.exists():
            shutil.rmtree(attempts, ignore_errors=True)


def take_over(attempts: Path, attempt: RunFolder, config: RunConfig) -> bool:
    """Rename another try that was cut off and has a state by the same settings; whether there was one.

    Renamed, so that a process that others have given up, and that lives, ends at its next saving.
    """
    for left in sorted(RunFolder(state.parent) for state in attempts.glob(f"*/{attempt.state.name}")):
        if not any(differing_settings(read_config(left), config)):
            left.path.rename(attempt.path)
            return True
    return False


def score_cell(cell: GridCell) -> None:
    """Answer the questions that have no answer yet, and write all answers at once."""
    missing = missing_answers(cell)
    if not missing:
        return
    config = cell.config
    run = load_run(
        cell.folder, device=config.device, teacher_weights=config.teacher_weights, data_root=config.data_root
    )
    answers: list[tuple[ScoringConfig, Scores]] = []
    for domain, scorings in missing.items():
        scored = score_each(run.detector, load_domain(run, domain), scorings)
        answers += zip(scorings, scored, strict=True)
    save_scores_each(cell.folder, answers)


def check_answers(cell: GridCell) -> None:
    """Refuse a cell whose answers are not finite, also where an older version saved them.

    Raises:
        DivergedError: If a score is not finite.
    """
    for domain, scores in saved_answers(cell):
        check_scores(scores.score, source=domain)


def remove_unfinished(output: Path) -> None:
    """Remove the folder in which cells were trained, unless another process is at it."""
    with suppress(OSError):
        (output / UNFINISHED).rmdir()


def missing_answers(cell: GridCell) -> dict[str, list[ScoringConfig]]:
    """The questions of each domain that the present checkpoint has not answered."""
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
