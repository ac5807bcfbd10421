"""Many runs for one comparison: which cells there are, one made whole, and all of them.

A cell is a run folder. It gets its name when its training is done: what is cut off, by whatever, leaves
nothing behind that counts.
"""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

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
FREE_SETTINGS = {  # those that may differ from what a cell was trained with: questions, places, speed
    *ScoringConfig.model_fields,
    "data_root",
    "device",
    "feature_cache_mb",
    "image_cache_mb",
    "teacher_sha256",
    "teacher_weights",
    "workers",
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
    attempt = create_run(attempts / uuid.uuid4().hex, cell.config)
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
