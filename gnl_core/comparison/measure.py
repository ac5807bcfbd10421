"""Compute the metrics of a comparison from the scores in its run folders."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gnl_core.comparison.grid import GridCell, saved_scores
from gnl_core.comparison.judged import explain_missing, place_judged
from gnl_core.comparison.records import (
    ID_COST,
    MEAN_SHIFT,
    REFERENCE,
    REFERENCE_DETECTOR,
    WORST_SHIFT,
    Comparison,
    ComparisonRow,
    Entry,
    Method,
    reference_of,
)
from gnl_core.config import MethodSettings, ScoringConfig, UncheckedSettings
from gnl_core.datasets import find_dataset
from gnl_core.detectors import find_method
from gnl_core.finite import all_finite
from gnl_core.metrics.intervals import (
    Estimate,
    Placements,
    average_estimates,
    estimate,
    interval_of_auroc,
    interval_of_difference,
    is_clear,
    place,
    spread,
    subtract,
)
from gnl_core.published import published_auroc
from gnl_core.records import Scores
from gnl_core.runs.folder import read_records
from gnl_core.runs.scores import Columns, read_saved_scores, select_engines, select_scores
from gnl_core.runs.tray_scores import read_tray_scores
from gnl_core.runs.trays import TrayUse

Placed = dict[str, Placements]  # domain to the placements of its images
Units = dict[tuple[str, int], Placements]  # (normal class, seed) to the placements of that run


class Measured(NamedTuple):
    """Results of one method's runs: placements per domain, class and seed; training seconds per class and seed."""

    placements: dict[str, Units]
    seconds: dict[tuple[str, int], float]


def compare_cells(cells: Sequence[GridCell]) -> Comparison:
    """Compare the cells that have scores. Means leave out missing runs, and each row reports its number of runs.

    Args:
        cells: The cells of one comparison, at least one.
    """
    config = cells[0].config
    classes = tuple(dict.fromkeys(cell.config.normal_class for cell in cells))
    base = find_dataset(config.dataset, config.data_root).in_distribution
    measured = measure_cells(cells)
    domains = find_domains(cells[0], measured, base=base)
    tables = {
        chosen: tabulate(measured, dataset=config.dataset, classes=chosen, domains=domains, base=base)
        for chosen in [classes, *((normal_class,) for normal_class in classes)]
    }
    return Comparison(
        config=config.model_copy(update={"method": changed_method_settings(cells)}),
        in_distribution=base,
        classes=classes,
        seeds=tuple(dict.fromkeys(cell.config.seed for cell in cells)),
        domains=domains,
        columns=name_columns(domains, base=base, has_reference=REFERENCE in measured),
        rows=tables[classes],
        by_class={normal_class: tables[(normal_class,)] for normal_class in classes},
        counts={normal_class: count_images(measured, normal_class) for normal_class in classes},
        diverged=tuple(cell.folder.path.name for cell in cells if has_diverged(cell)),
        missing=explain_missing(cells),
        engines=tuple(sorted({engine for cell in cells for engine in engines_of(cell)})),
    )


def engines_of(cell: GridCell) -> set[str]:
    """Return the engines that computed a cell's scores, as far as their file says."""
    rows = read_saved_scores(cell.folder)
    if rows is None:
        return set()
    pairs = itertools.product(cell.domains, cell.scorings)
    return set().union(*(select_engines(rows, domain=domain, scoring=scoring) for domain, scoring in pairs))


def changed_method_settings(cells: Sequence[GridCell]) -> MethodSettings:
    """The settings of the cells' methods that do not have their default; methods that share one have the same value."""
    changed = [cell.config.method.model_dump(exclude_defaults=True) for cell in cells]
    return UncheckedSettings(**{name: value for own in changed for name, value in own.items()})


def has_diverged(cell: GridCell) -> bool:
    """Return whether any saved score of a cell is not finite."""
    return any(not all_finite(scores.score) for _, scores in saved_scores(cell))


def measure_cells(cells: Sequence[GridCell]) -> dict[Method, Measured]:
    """Read the cells' scores and compute the placements of all images."""
    measured: dict[Method, Measured] = {}
    seeds = tuple(dict.fromkeys(cell.config.seed for cell in cells))
    for cell in cells:
        key = (cell.config.normal_class, cell.config.seed)
        for scoring, placed in place_cell(cell, seeds):
            for use, by_domain in placed.items():
                method = method_of(cell, scoring.style_weight)._replace(use=use)
                kept = measured.setdefault(method, Measured({}, {}))
                kept.seconds[key] = read_records(cell.folder)[-1].elapsed_seconds
                for domain, placements in by_domain.items():
                    kept.placements.setdefault(domain, {})[key] = placements
    return measured


def place_cell(cell: GridCell, seeds: Sequence[int]) -> Iterator[tuple[ScoringConfig, dict[TrayUse | None, Placed]]]:
    """Yield each scoring of a cell with the placements by domain, as it is (None) and for each use of a tray."""
    rows = read_saved_scores(cell.folder)
    adapted = read_tray_scores(cell.folder) if cell.uses else None
    for scoring in cell.scorings if rows is not None else ():
        scored = select_domains(rows or {}, cell.domains, scoring)
        placed: dict[TrayUse | None, Placed] = {None: place_all(scored)}
        for use in cell.uses:
            placed[use] = place_judged(scored, adapted, use, scoring=scoring, seeds=(cell.config.seed, *seeds))
        yield scoring, placed


def select_domains(rows: Columns, domains: Sequence[str], scoring: ScoringConfig) -> dict[str, Scores]:
    """Select the scores of each domain that has any under given scoring settings."""
    found = {domain: select_scores(rows, domain=domain, scoring=scoring) for domain in domains}
    return {domain: scores for domain, scores in found.items() if scores is not None}


def place_all(scored: Mapping[str, Scores]) -> Placed:
    """Compute the placements of all images of each domain that has an AUROC."""
    placed = {domain: place(scores.label, scores.score) for domain, scores in scored.items()}
    return {domain: placements for domain, placements in placed.items() if placements is not None}


def method_of(cell: GridCell, style_weight: float | None) -> Method:
    """Return the method, and so the table row, of a cell at one strength."""
    return Method(cell.config.detector, style_weight if find_method(cell.config.detector).matches else None)


def find_domains(cell: GridCell, measured: Mapping[Method, Measured], *, base: str) -> tuple[str, ...]:
    """Return the domains with an AUROC for any method, in-distribution first."""
    measured_domains = {domain for one in measured.values() for domain in one.placements}
    return tuple(
        sorted((domain for domain in cell.domains if domain in measured_domains), key=lambda domain: domain != base)
    )


def name_columns(domains: tuple[str, ...], *, base: str, has_reference: bool) -> tuple[str, ...]:
    """Return the column names: domains, mean and worst of several shifts, and the ID cost if it can be computed."""
    several = len(set(domains) - {base}) > 1
    cost = has_reference and base in domains
    return (*domains, *((MEAN_SHIFT, WORST_SHIFT) if several else ()), *((ID_COST,) if cost else ()))


def count_images(measured: Mapping[Method, Measured], normal_class: str) -> dict[str, tuple[int, int]]:
    """Return the numbers of normal and anomalous test images of a class per domain, those of trays included."""
    return {
        domain: (len(placements.normal), len(placements.anomalous))
        for method, one in measured.items()
        if method.use is None
        for domain, units in one.placements.items()
        for (owner, _), placements in units.items()
        if owner == normal_class
    }


def tabulate(
    measured: Mapping[Method, Measured], *, dataset: str, classes: tuple[str, ...], domains: tuple[str, ...], base: str
) -> list[ComparisonRow]:
    """Build one table: each method at each strength, followed by its published numbers.

    Args:
        measured: Results of the runs by method.
        dataset: Name of the data set, for the published numbers.
        classes: The classes to average over.
        domains: The domains, one column each.
        base: The in-distribution domain.
    """
    rows = []
    for detector in dict.fromkeys(method.detector for method in measured):
        for method in [method for method in measured if method.detector == detector]:
            row = measured_row(method, measured, classes=classes, domains=domains, base=base)
            rows += [row] if row.runs else []
        published = published_entries(dataset, detector, classes=classes, domains=domains, base=base)
        rows += [ComparisonRow(Method(detector, None), published=True, entries=published)] if published else []
    return rows


def measured_row(
    method: Method,
    measured: Mapping[Method, Measured],
    *,
    classes: tuple[str, ...],
    domains: tuple[str, ...],
    base: str,
) -> ComparisonRow:
    """Build the table row of one method, averaged over classes."""
    own = {domain: select_classes(measured[method].placements.get(domain, {}), classes) for domain in domains}
    reference = measured.get(reference_of(method), Measured({}, {})).placements
    gained = {domain: differences(units, reference.get(domain, {})) for domain, units in own.items()}
    values = {domain: estimate(units) for domain, units in own.items() if units}
    gains = {domain: estimate(units) for domain, units in gained.items() if units}
    entries = {domain: make_entry(value, gains.get(domain), runs=len(own[domain])) for domain, value in values.items()}
    shifted = [domain for domain in domains if domain != base]
    if len(shifted) > 1 and all(domain in values for domain in shifted):
        mean_gain = [gains[domain] for domain in shifted if domain in gains]
        entries[MEAN_SHIFT] = make_entry(
            average_estimates([values[domain] for domain in shifted]),
            average_estimates(mean_gain) if len(mean_gain) == len(shifted) else None,
            runs=min(len(own[domain]) for domain in shifted),
        )
        entries[WORST_SHIFT] = worst_of(entries, shifted)
    if base in gains:
        entries[ID_COST] = (
            Entry(0.0) if method == reference_of(method) else cost_entry(gains[base], runs=len(gained[base]))
        )
    seconds = [time for (owner, _), time in measured[method].seconds.items() if owner in classes]
    return ComparisonRow(
        method,
        published=False,
        entries=entries,
        runs=len(seconds),
        training_seconds=sum(seconds) / max(1, len(seconds)),
    )


def select_classes(units: Units, classes: tuple[str, ...]) -> Units:
    """Select the runs of the given classes."""
    return {key: placements for key, placements in units.items() if key[0] in classes}


def differences(units: Units, reference: Units) -> Units:
    """Subtract the reference's placements of the same class and seed from each run's, where both exist."""
    return {key: subtract(placements, reference[key]) for key, placements in units.items() if key in reference}


def make_entry(value: Estimate, gain: Estimate | None, *, runs: int) -> Entry:
    """Build a table entry from an AUROC and its difference from the reference."""
    return Entry(
        value=value.value,
        interval=interval_of_auroc(value),
        spread=spread(value),
        difference=None if gain is None else gain.value,
        clear=gain is not None and is_clear(gain),
        runs=runs,
    )


def worst_of(entries: Mapping[str, Entry], shifted: Sequence[str]) -> Entry:
    """Return the entry of the shifted domain with the lowest AUROC, with the domain's name."""
    worst = min(shifted, key=lambda domain: entries[domain].value)
    return entries[worst]._replace(domain=worst)


def cost_entry(gain: Estimate, *, runs: int) -> Entry:
    """Build the ID cost as the paper defines it: the in-distribution AUROC lost against the reference."""
    low, high = interval_of_difference(gain)
    return Entry(value=-gain.value, interval=(-high, -low), spread=spread(gain), clear=is_clear(gain), runs=runs)


def published_entries(
    dataset: str, detector: str, *, classes: tuple[str, ...], domains: tuple[str, ...], base: str
) -> dict[str, Entry]:
    """Return the supplement's numbers of a method for exactly these classes, with ID cost against published RD4AD."""
    published = {domain: published_auroc(dataset, detector, domain, classes=classes) for domain in domains}
    entries = {domain: Entry(value) for domain, value in published.items() if value is not None}
    shifted = [domain for domain in domains if domain != base]
    if len(shifted) > 1 and all(domain in entries for domain in shifted):
        entries[MEAN_SHIFT] = Entry(sum(entries[domain].value for domain in shifted) / len(shifted))
        entries[WORST_SHIFT] = worst_of(entries, shifted)
    reference = published_auroc(dataset, REFERENCE_DETECTOR, base, classes=classes)
    if base in entries and reference is not None:
        entries[ID_COST] = Entry(reference - entries[base].value)
    return entries
