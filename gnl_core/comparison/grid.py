"""Plan the cells of a comparison and how each is scored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gnl_core.comparison.trays import parse_uses, uses_of
from gnl_core.config import RunConfig, ScoringConfig, parse_config, scoring_settings
from gnl_core.datasets import check_class, find_dataset
from gnl_core.datasets.base import DatasetSpec
from gnl_core.detectors import find_method, keep_own_settings, refuse_foreign, with_settled_region
from gnl_core.records import Scores
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.discovery import cell_folder
from gnl_core.runs.domains import check_domain
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.outputs import check_output
from gnl_core.runs.scores import read_saved_scores, select_scores
from gnl_core.runs.scoring import Run, load_run
from gnl_core.runs.trays import TrayUse


class Grid(NamedTuple):
    """The dimensions of a comparison; each combination of class, method and seed is a cell.

    Attributes:
        normal_classes: Normal classes, one per cell.
        detectors: Names of methods.
        seeds: Seeds of the runs.
        style_weights: Strengths of matching at which each cell is scored; empty: each method's own,
            which is 0 without stored references.
        domains: Domains to score; empty: all domains of the data set.
        adapt: What to do with a few images of each domain, such as "normal:8"; see `gnl_core.comparison.trays`.
    """

    normal_classes: tuple[str, ...]
    detectors: tuple[str, ...]
    seeds: tuple[int, ...]
    style_weights: tuple[float, ...] = ()
    domains: tuple[str, ...] = ()
    adapt: tuple[str, ...] = ()


class GridCell(NamedTuple):
    """One run of a comparison and how it is scored.

    Attributes:
        folder: The run's folder, which need not exist yet.
        config: The run's settings.
        domains: Domains to score.
        scorings: Scoring settings for each domain, including the strength of matching.
        uses: What is done with a few images of each domain, which are left out of the numbers.
    """

    folder: RunFolder
    config: RunConfig
    domains: tuple[str, ...]
    scorings: tuple[ScoringConfig, ...]
    uses: tuple[TrayUse, ...] = ()


def plan_cells(settings: Mapping[str, object], grid: Grid, *, output: Path) -> list[GridCell]:
    """List the cells of a comparison, ordered by seed.

    Repeated classes, methods, seeds and strengths count once, since the same run is not a second sample.

    Args:
        settings: Fields of RunConfig that all cells share, and settings of the methods, of which each cell takes its
            own; strings are converted.
        grid: The dimensions in which cells differ.
        output: Folder of the run folders.

    Raises:
        ValueError: If a setting is invalid, names something that does not exist, or differs from the one that a
            cell in the folder was trained with.
    """
    shared = parse_config(dict(settings))
    refuse_foreign(shared.method.model_dump(), grid.detectors)
    check_output(output, shared.data_root, what="the comparison")
    uses = parse_uses(grid.adapt, detectors=grid.detectors)
    cells = []
    combinations = itertools.product(grid.seeds, grid.normal_classes, grid.detectors)
    for seed, normal_class, detector in dict.fromkeys(combinations):
        own = {"seed": seed, "normal_class": normal_class, "detector": detector}
        config = keep_own_settings(with_settled_region(parse_config({**settings, **own})))
        spec = find_dataset(config.dataset, config.data_root)
        check_class(spec, normal_class)
        cell = GridCell(
            folder=cell_folder(output, config),
            config=config,
            domains=check_domains(spec, grid.domains or spec.domains),
            scorings=tuple(parse_scoring(config, weight) for weight in strengths_of(config, grid.style_weights)),
            uses=tuple(uses_of(detector, uses)),
        )
        check_settings(cell)
        cells.append(cell)
    return cells


def strengths_of(config: RunConfig, style_weights: tuple[float, ...]) -> tuple[float, ...]:
    """Return the strengths at which a method is scored: the given ones, or its own if there are none or no FDM.

    The own strength of a run that stores no references, as with a teacher that is not cut into stages, is 0.
    """
    method = find_method(config.detector)
    if style_weights and method.matches:
        return tuple(dict.fromkeys(style_weights))
    return (method.style_weight if config.stored_references else 0.0,)


def parse_scoring(config: RunConfig, style_weight: float) -> ScoringConfig:
    """Return the run's scoring settings at one FDM strength.

    Raises:
        ValueError: If the strength is out of range.
    """
    parse_config({"style_weight": style_weight})
    return scoring_settings(config, style_weight=style_weight)


def check_domains(spec: DatasetSpec, domains: tuple[str, ...]) -> tuple[str, ...]:
    """Return the domains without repetitions; raise ValueError for domains that the data set does not have."""
    for domain in domains:
        check_domain(spec, domain)
    return tuple(dict.fromkeys(domains))


def check_settings(cell: GridCell) -> None:
    """Raise ValueError if the cell's folder contains a run with other training settings."""
    if not cell.folder.path.exists():
        return
    for name, before, now in differing_settings(read_config(cell.folder), cell.config):
        raise ValueError(
            f"{cell.folder.path} was trained with {name} = {before}, but {now} is requested; "
            f"use {name} = {before}, or choose another --output"
        )


def saved_scores(cell: GridCell) -> Iterator[tuple[str, Scores]]:
    """Yield the saved scores of a cell's current checkpoint, with their domains."""
    rows = read_saved_scores(cell.folder)
    for domain, scoring in itertools.product(cell.domains, cell.scorings) if rows is not None else ():
        scores = select_scores(rows or {}, domain=domain, scoring=scoring)
        if scores is not None:
            yield domain, scores


def load_cell(cell: GridCell) -> Run:
    """Load the trained run of a cell on the device and engine of its settings; errors as for `load_run`."""
    config = cell.config
    return load_run(
        cell.folder,
        device=config.device,
        teacher_weights=config.teacher_weights,
        data_root=config.data_root,
        engine=config.engine,
    )
