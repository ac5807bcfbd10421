"""Convert a comparison to CSV, one number per row, and to and from JSON. Does not import PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gnl_core.comparison.records import Comparison, ComparisonRow, Entry, Method
from gnl_core.comparison.saved import (
    MEAN,
    MEASURED,
    PUBLISHED,
    SavedComparison,
    SavedNumber,
    SavedRow,
    check_saved,
)
from gnl_core.comparison.text import as_percent
from gnl_core.comparison.tray_text import judged_counts
from gnl_core.config import PATHS, parse_config
from gnl_core.files import read_bytes
from gnl_core.files.records import RECORD_BYTES
from gnl_core.runs.trays import TrayUse
from gnl_core.strict_json import to_json
from gnl_core.tables import csv_cell

COUNTS = ("n_normal", "n_anomalous")
VARIED = {"normal_class", "detector", "seed", "style_weight"}  # settings that differ between runs


def comparison_csv(comparison: Comparison) -> str:
    """Return CSV with one row per number: by mean or class, method and strength, and column."""
    import pandas as pd  # noqa: PLC0415 (slow; not needed to read a comparison)

    return pd.DataFrame(comparison_rows(comparison)).map(csv_cell).to_csv(index=False)


def comparison_json(comparison: Comparison) -> str:
    """Return JSON with the same numbers by table and row, and all settings but paths of this machine."""
    tables = {MEAN: comparison.rows, **comparison.by_class}
    content = {
        "settings": comparison.config.model_dump(mode="json", exclude={*VARIED, *PATHS}),
        "in_distribution": comparison.in_distribution,
        "classes": comparison.classes,
        "seeds": comparison.seeds,
        "domains": comparison.domains,
        "columns": comparison.columns,
        "images": {
            normal_class: {domain: dict(zip(COUNTS, count, strict=True)) for domain, count in counts.items()}
            for normal_class, counts in comparison.counts.items()
        },
        "diverged": comparison.diverged,
        "missing": comparison.missing,
        "engines": comparison.engines,
        "tables": {
            name: [
                {
                    **row_facts(row),
                    "runs": row.runs,
                    "values": {column: entry_numbers(entry) for column, entry in row.entries.items()},
                }
                for row in rows
            ]
            for name, rows in tables.items()
        },
    }
    return to_json(content, indent=2)


def comparison_rows(comparison: Comparison) -> Iterator[dict[str, object]]:
    """Yield the numbers as flat records, with values in percent."""
    config = comparison.config
    shared = {
        "dataset": config.dataset,
        "teacher": config.teacher,
        "image_size": "x".join(map(str, config.image_size)),
        "epochs": config.epochs,
        "seeds": " ".join(map(str, comparison.seeds)),
    }
    tables = {MEAN: comparison.rows, **comparison.by_class}
    for normal_class, rows in tables.items():
        for row in rows:
            for numbers in row_numbers(row):
                counts = row_counts(comparison, row, normal_class).get(str(numbers["column"]), (None, None))
                yield {
                    "normal_class": normal_class,
                    **numbers,
                    **dict(zip(COUNTS, counts, strict=True)),
                    **(dict.fromkeys(shared) | {"dataset": config.dataset} if row.published else shared),
                }


def row_counts(comparison: Comparison, row: ComparisonRow, normal_class: str) -> Mapping[str, tuple[int, int]]:
    """Return the numbers of normal and anomalous images per domain behind a row of one class; empty for the mean."""
    counts = comparison.counts.get(normal_class, {})
    return counts if row.method.use is None else judged_counts(counts, row.method.use)


def row_numbers(row: ComparisonRow) -> Iterator[dict[str, object]]:
    """Yield the numbers of a table row, each with the facts of the row."""
    for column, entry in row.entries.items():
        yield {**row_facts(row), "column": column, **entry_numbers(entry)}


def row_facts(row: ComparisonRow) -> dict[str, object]:
    """Return source, method, strength, use of a tray and training time of a table row."""
    use = row.method.use
    return {
        "source": PUBLISHED if row.published else MEASURED,
        "detector": row.method.detector,
        "style_weight": row.method.style_weight,
        "adaptation": use and use.way,
        "tray": use and use.tray,
        "training_seconds": row.training_seconds,
    }


def entry_numbers(entry: Entry) -> dict[str, object]:
    """Return a number with its interval, spread and difference, in percent."""
    low, high = entry.interval or (None, None)
    return {
        "percent": as_percent(entry.value),
        "low": convert_optional(as_percent, low),
        "high": convert_optional(as_percent, high),
        "sd_over_seeds": convert_optional(as_percent, entry.spread),
        "difference": convert_optional(as_percent, entry.difference),
        "difference_is_clear": entry.clear if entry.interval else None,
        "domain": entry.domain or None,
        "runs": entry.runs or None,
    }


def convert_optional(convert: Callable[[float], float], value: float | None) -> float | None:
    """Convert a number; return None for None."""
    return None if value is None else convert(value)


def read_comparison(path: Path) -> Comparison:
    """Read a file written by `comparison_json`. Numbers are those of the file: rounded percentages.

    Raises:
        ValueError: If the file cannot be read, is damaged, or is not a comparison.
    """
    try:
        saved = check_saved(read_bytes(path, limit_bytes=RECORD_BYTES))
        return restore(saved)
    except FileNotFoundError:
        raise ValueError(f"there is no comparison {path}; write it with gnl compare --output") from None
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged or not a comparison ({error}); write it again with gnl compare --output"
        ) from None


def restore(saved: SavedComparison) -> Comparison:
    """Restore a comparison; settings that its runs do not share are those of the first run."""
    first = next(row for row in saved.tables[MEAN] if row.source == MEASURED)
    own = {"normal_class": saved.classes[0], "detector": first.detector, "seed": saved.seeds[0]}
    tables = {name: [restore_row(row) for row in rows] for name, rows in saved.tables.items()}
    return Comparison(
        config=parse_config({**saved.settings, **own}),
        in_distribution=saved.in_distribution,
        classes=saved.classes,
        seeds=saved.seeds,
        domains=saved.domains,
        columns=saved.columns,
        rows=tables[MEAN],
        by_class={normal_class: tables[normal_class] for normal_class in saved.classes},
        counts={
            normal_class: {domain: (count.n_normal, count.n_anomalous) for domain, count in counts.items()}
            for normal_class, counts in saved.images.items()
        },
        diverged=saved.diverged,
        missing=saved.missing,
        engines=saved.engines,
    )


def restore_row(saved: SavedRow) -> ComparisonRow:
    """Restore a table row; without a number of runs, take the largest of its entries."""
    entries = {column: restore_entry(number) for column, number in saved.values.items()}
    return ComparisonRow(
        Method(saved.detector, saved.style_weight, restore_use(saved)),
        published=saved.source == PUBLISHED,
        entries=entries,
        runs=max((entry.runs for entry in entries.values()), default=0) if saved.runs is None else saved.runs,
        training_seconds=saved.training_seconds,
    )


def restore_use(saved: SavedRow) -> TrayUse | None:
    """Restore what a table row does with a tray."""
    if saved.adaptation is None or saved.tray is None:
        return None
    kind, size = saved.tray
    return TrayUse(saved.adaptation, kind, size)


def restore_entry(saved: SavedNumber) -> Entry:
    """Restore one number as a fraction."""
    limits = None if saved.low is None or saved.high is None else (as_share(saved.low), as_share(saved.high))
    return Entry(
        value=as_share(saved.percent),
        interval=limits,
        spread=convert_optional(as_share, saved.sd_over_seeds),
        difference=convert_optional(as_share, saved.difference),
        clear=bool(saved.difference_is_clear),
        domain=saved.domain or "",
        runs=saved.runs or 0,
    )


def as_share(percent: float) -> float:
    """Convert a percentage to a fraction."""
    return percent / 100
