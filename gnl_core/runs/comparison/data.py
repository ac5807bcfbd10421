"""A comparison as data: CSV, a number a row, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd

from gnl_core.runs.comparison.records import Comparison, Entry, Row

MEAN = "mean"  # in place of a class: the mean over all of them
COUNTS = ("n_normal", "n_anomalous")
VARIED = {"normal_class", "detector", "seed", "style_weight"}  # settings in which the runs differ


def comparison_csv(comparison: Comparison) -> str:
    """One row a number: for the mean over classes and each class, each method and strength, each column."""
    return pd.DataFrame(comparison_rows(comparison)).to_csv(index=False)


def comparison_json(comparison: Comparison) -> str:
    """The same numbers by table and row, with all settings."""
    tables = {MEAN: comparison.rows, **comparison.by_class}
    content = {
        "settings": comparison.config.model_dump(mode="json", exclude=VARIED),
        "in_distribution": comparison.in_distribution,
        "classes": comparison.classes,
        "seeds": comparison.seeds,
        "domains": comparison.domains,
        "columns": comparison.columns,
        "images": {
            normal_class: {domain: dict(zip(COUNTS, count, strict=True)) for domain, count in counts.items()}
            for normal_class, counts in comparison.counts.items()
        },
        "tables": {
            name: [
                {**row_facts(row), "values": {column: entry_numbers(entry) for column, entry in row.entries.items()}}
                for row in rows
            ]
            for name, rows in tables.items()
        },
    }
    return json.dumps(content, indent=2, allow_nan=False)


def comparison_rows(comparison: Comparison) -> Iterator[dict[str, object]]:
    """The numbers as flat records; shares are in percent."""
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
                counts = comparison.counts.get(normal_class, {}).get(str(numbers["column"]), (None, None))
                yield {
                    "normal_class": normal_class,
                    **numbers,
                    **dict(zip(COUNTS, counts, strict=True)),
                    **(dict.fromkeys(shared) | {"dataset": config.dataset} if row.published else shared),
                }


def row_numbers(row: Row) -> Iterator[dict[str, object]]:
    """Each number of a table's row, with the row's own facts."""
    for column, entry in row.entries.items():
        yield {**row_facts(row), "column": column, **entry_numbers(entry)}


def row_facts(row: Row) -> dict[str, object]:
    """What a table's row is, and what went into it."""
    return {
        "source": "published" if row.published else "measured",
        "detector": row.method.detector,
        "style_weight": row.method.style_weight,
        "training_seconds": row.training_seconds,
    }


def entry_numbers(entry: Entry) -> dict[str, object]:
    """One number and what belongs to it, in percent."""
    low, high = entry.interval or (None, None)
    return {
        "percent": as_percent(entry.value),
        "low": as_percent(low),
        "high": as_percent(high),
        "sd_over_seeds": as_percent(entry.spread),
        "difference": as_percent(entry.difference),
        "difference_is_clear": entry.clear if entry.interval else None,
        "domain": entry.domain or None,
        "runs": entry.runs or None,
    }


def as_percent(value: float | None) -> float | None:
    """A share in percent, to a thousandth."""
    return None if value is None else round(100 * value, 3) + 0.0  # no negative zero
