"""Many runs for one comparison: which cells there are, one made whole, and all of them.

A cell is a run folder. It gets its name when its training is done: what is cut off, by whatever, leaves
nothing behind that counts.
"""

from __future__ import annotations

import itertools
import logging
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from gnl_core.config import RunConfig, ScoringConfig, parse_config, scoring_settings
from gnl_core.datasets import HELD_OUT, TRAIN, check_class, find_dataset
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.shifts import split_domain
from gnl_core.detectors import find_method
from gnl_core.records import Scores
from gnl_core.runs.experiment import load_domain, load_run, train_run
from gnl_core.runs.folder import (
    RunFolder,
    create_run,
    read_config,
    read_records,
    read_saved_scores,
    save_answers,
    select_scores,
)
from gnl_core.scoring import score_each

UNFINISHED = ".unfinished"  # a folder in the output, two levels above its runs: nobody lists them
RETRIES = 3
FREE_SETTINGS = {  # those that may differ from what a cell was trained with: questions, places, speed
    *ScoringConfig.model_fields,
    "data_root",
    "device",
    "feature_cache_mb",
    "teacher_sha256",
    "teacher_weights",
}


class Grid(NamedTuple):
    """What a comparison varies; each combination of class, method and seed is a cell.

    Attributes:
        normal_classes: The classes that are normal, one a cell.
        detectors: Methods.
        seeds: Seeds.
        style_weights: Strengths of matching, all asked of each cell; none: each method's own.
        domains: Domains to score; none: all of the data set.
    """

    normal_classes: tuple[str, ...]
    detectors: tuple[str, ...]
    seeds: tuple[int, ...]
    style_weights: tuple[float, ...] = ()
    domains: tuple[str, ...] = ()


class Cell(NamedTuple):
    """One run of a comparison and what is asked of it.

    Attributes:
        folder: Where the run lies, or will.
        config: Its settings.
        domains: Domains to score.
        questions: How to score each of them, strength of matching included.
    """

    folder: RunFolder
    config: RunConfig
    domains: tuple[str, ...]
    questions: tuple[ScoringConfig, ...]


class Outcome(NamedTuple):
    """How a cell ended: whole, or with a reason in one sentence."""

    cell: Cell
    failure: str | None


def plan_cells(settings: Mapping[str, object], grid: Grid, *, output: Path) -> list[Cell]:
    """List the cells of a comparison: all of the first seed, then all of the second.

    Args:
        settings: Fields of RunConfig that all cells share; strings are converted.
        grid: What differs between them.
        output: Folder of the run folders.

    Raises:
        ValueError: If a setting is invalid, names something that does not exist, or is not the one that a
            cell in the folder was trained with.
    """
    cells = []
    for seed, normal_class, detector in itertools.product(grid.seeds, grid.normal_classes, grid.detectors):
        own = {"seed": seed, "normal_class": normal_class, "detector": detector}
        config = parse_config({**settings, **own})
        spec = find_dataset(config.dataset, config.data_root)
        check_class(spec, normal_class)
        cell = Cell(
            folder=RunFolder(output / f"{config.dataset}-{normal_class}-{detector}-seed{seed}"),
            config=config,
            domains=check_domains(spec, grid.domains or spec.domains),
            questions=tuple(parse_question(config, weight) for weight in asked_strengths(detector, grid.style_weights)),
        )
        check_settings(cell)
        cells.append(cell)
    return cells


def asked_strengths(detector: str, style_weights: tuple[float, ...]) -> tuple[float, ...]:
    """The strengths at which a method is scored: those asked for, or its own if none are or it has no matching."""
    method = find_method(detector)
    return style_weights if style_weights and method.matches else (method.style_weight,)


def parse_question(config: RunConfig, style_weight: float) -> ScoringConfig:
    """A run's own way to score, at one strength.

    Raises:
        ValueError: If the strength is none.
    """
    parse_config({"style_weight": style_weight})
    return scoring_settings(config, style_weight=style_weight)


def check_domains(spec: DatasetSpec, domains: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse domains that a data set does not have; one that is named twice counts once."""
    known = (*dict.fromkeys(split_domain(domain)[0] for domain in spec.domains), TRAIN, HELD_OUT)
    for domain in domains:
        if split_domain(domain)[0] not in known:
            raise ValueError(f"unknown domain {domain!r}; choose one of: {', '.join(known)}")
    return tuple(dict.fromkeys(domains))


def check_settings(cell: Cell) -> None:
    """Refuse a folder that was trained with other settings."""
    if not cell.folder.path.exists():
        return
    kept = read_config(cell.folder)
    for name in (name for name in RunConfig.model_fields if name not in FREE_SETTINGS):
        before, now = getattr(kept, name), getattr(cell.config, name)
        if before != now:
            raise ValueError(
                f"{cell.folder.path} was trained with {name} = {before}, but {now} is asked for; "
                "ask for the same, or choose another --output"
            )


def run_cells(cells: Sequence[Cell]) -> Iterator[Outcome]:
    """Make all cells whole, one after the other."""
    for cell in cells:
        yield run_cell(cell)


def run_cells_on_ray(cells: Sequence[Cell], *, address: str) -> Iterator[Outcome]:
    """Make all cells whole as tasks of a Ray cluster, in the order in which they end.

    A killed worker's cell is tried again by another worker. What the folder holds decides what is left to do, so
    nothing is lost and nothing is done twice. All machines have to see the output and the data under the same paths.

    Args:
        cells: The cells.
        address: "local" starts Ray on this machine, "auto" finds one that runs here, else a cluster's address.

    Raises:
        ValueError: If Ray is not installed or the cluster cannot be reached.
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


def ray_environment() -> dict[str, dict[str, str]]:
    """What workers take over from this process's environment: where the data lies."""
    return {"env_vars": {name: os.environ[name] for name in ("GNL_DATA",) if name in os.environ}}


def threads_for(cells: Sequence[Cell], node_processors: Sequence[float]) -> int:
    """Processors of each cell: its share of the cluster's, at least one and no more than any machine has."""
    share = int(sum(node_processors)) // len(cells)
    return max(1, min([share, *(int(count) for count in node_processors if count >= 1)]))


def anchor(cell: Cell) -> Cell:
    """The cell with a folder that is the same from any working directory."""
    return cell._replace(folder=RunFolder(cell.folder.path.resolve()))


def run_cell_in_worker(cell: Cell, *, threads: int) -> Outcome:
    """Make a cell whole with a share of the machine's threads."""
    torch.set_num_threads(threads)
    return run_cell(cell)


def run_cell(cell: Cell) -> Outcome:
    """Make a cell whole; whatever goes wrong in it is told, and does not stop the others."""
    try:
        if not is_trained(cell):
            train_cell(cell)
        score_cell(cell)
    except (ValueError, OSError) as error:
        return Outcome(cell, str(error))
    except Exception as error:  # a mistake of ours or of a library, in this cell alone
        return Outcome(cell, f"{type(error).__name__}: {error}".splitlines()[0])
    return Outcome(cell, None)


def is_trained(cell: Cell) -> bool:
    """Whether a cell's training is done: all of its epochs, or the one of a method that has no losses."""
    records = read_records(cell.folder)
    if not records or not cell.folder.weights.exists():
        return False
    return records[-1].epoch >= cell.config.epochs or not records[-1].losses


def train_cell(cell: Cell) -> None:
    """Train a cell out of sight, and give it its name when it is done; what another try left is removed."""
    attempts = cell.folder.path.parent / UNFINISHED / cell.folder.path.name
    shutil.rmtree(attempts, ignore_errors=True)
    attempt = create_run(attempts / f"{platform.node()}-{os.getpid()}", cell.config)
    try:
        for _ in train_run(cell.config, attempt):
            pass
        shutil.rmtree(cell.folder.path, ignore_errors=True)
        attempt.path.rename(cell.folder.path)
    finally:
        shutil.rmtree(attempts, ignore_errors=True)


def score_cell(cell: Cell) -> None:
    """Answer the questions that have no answer yet, and write all answers at once."""
    missing = missing_answers(cell)
    if not missing:
        return
    config = cell.config
    run = load_run(
        cell.folder, device=config.device, teacher_weights=config.teacher_weights, data_root=config.data_root
    )
    answers: list[tuple[ScoringConfig, Scores]] = []
    for domain, questions in missing.items():
        scored = score_each(run.detector, load_domain(run, domain), questions)
        answers += zip(questions, scored, strict=True)
    save_answers(cell.folder, answers)


def missing_answers(cell: Cell) -> dict[str, list[ScoringConfig]]:
    """The questions of each domain that the present checkpoint has not answered."""
    rows = read_saved_scores(cell.folder)
    missing = {
        domain: [
            question
            for question in cell.questions
            if rows is None or select_scores(rows, domain=domain, scoring=question) is None
        ]
        for domain in cell.domains
    }
    return {domain: questions for domain, questions in missing.items() if questions}
