"""A comparison as data: CSV, a number a row, and JSON."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gnl_core.runs.comparison.measure import Comparison, Row

MEAN = "mean"  # in place of a class: the mean over all of them


def comparison_csv(comparison: Comparison) -> str:
    """One row a number: for the mean over classes and each class, each method and strength, each column."""
    return pd.DataFrame(comparison_rows(comparison)).to_csv(index=False)


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
                    "n_normal": counts[0],
                    "n_anomalous": counts[1],
                    **(dict.fromkeys(shared) | {"dataset": config.dataset} if row.published else shared),
                }


def row_numbers(row: Row) -> Iterator[dict[str, object]]:
    """Each number of a table's row, in percent."""
    for column, entry in row.entries.items():
        low, high = entry.interval or (None, None)
        yield {
            "source": "published" if row.published else "measured",
            "detector": row.method.detector,
            "style_weight": row.method.style_weight,
            "column": column,
            "domain": entry.domain or None,
            "percent": as_percent(entry.value),
            "sd_over_seeds": as_percent(entry.spread),
            "low": as_percent(low),
            "high": as_percent(high),
            "difference": as_percent(entry.difference),
            "difference_is_clear": None if row.published else entry.clear,
            "runs": None if row.published else row.runs,
            "training_seconds": row.training_seconds,
        }


def as_percent(value: float | None) -> float | None:
    """A share in percent, to a thousandth."""
    return None if value is None else round(100 * value, 3)
