"""A comparison as data: CSV, a number a row, and JSON, which can be read again. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from gnl_core.config import parse_config
from gnl_core.strict_json import to_json

COUNTS = ("n_normal", "n_anomalous")
VARIED = {"normal_class", "detector", "seed", "style_weight"}  # settings in which the runs differ


def comparison_csv(comparison: Comparison) -> str:
    """One row a number: for the mean over classes and each class, each method and strength, each column."""
    import pandas as pd  # noqa: PLC0415 (a page that reads a comparison does not wait for it)

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
        "diverged": comparison.diverged,
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


def row_numbers(row: ComparisonRow) -> Iterator[dict[str, object]]:
    """Each number of a table's row, with the row's own facts."""
    for column, entry in row.entries.items():
        yield {**row_facts(row), "column": column, **entry_numbers(entry)}


def row_facts(row: ComparisonRow) -> dict[str, object]:
    """What a table's row is, and what went into it."""
    return {
        "source": PUBLISHED if row.published else MEASURED,
        "detector": row.method.detector,
        "style_weight": row.method.style_weight,
        "training_seconds": row.training_seconds,
    }


def entry_numbers(entry: Entry) -> dict[str, object]:
    """One number and what belongs to it, in percent."""
    low, high = entry.interval or (None, None)
    return {
        "percent": as_percent(entry.value),
        "low": if_any(as_percent, low),
        "high": if_any(as_percent, high),
        "sd_over_seeds": if_any(as_percent, entry.spread),
        "difference": if_any(as_percent, entry.difference),
        "difference_is_clear": entry.clear if entry.interval else None,
        "domain": entry.domain or None,
        "runs": entry.runs or None,
    }


def if_any(convert: Callable[[float], float], value: float | None) -> float | None:
    """A number converted, or None where there is none."""
    return None if value is None else convert(value)


def read_comparison(path: Path) -> Comparison:
    """Read what `comparison_json` wrote. Numbers come back as they were written: percent, rounded.

    Raises:
        ValueError: If the file cannot be read, is damaged, or is no comparison.
    """
    try:
        saved = check_saved(path.read_bytes())
        return restore(saved)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged or no comparison ({error}); write it again with gnl compare --output"
        ) from None


def restore(saved: SavedComparison) -> Comparison:
    """The comparison that a file holds; the settings that its runs do not share are those of the first run."""
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
    )


def restore_row(saved: SavedRow) -> ComparisonRow:
    """A table's row; files that do not say how many runs it has had as many as its best-covered number."""
    entries = {column: restore_entry(number) for column, number in saved.values.items()}
    return ComparisonRow(
        Method(saved.detector, saved.style_weight),
        published=saved.source == PUBLISHED,
        entries=entries,
        runs=max((entry.runs for entry in entries.values()), default=0) if saved.runs is None else saved.runs,
        training_seconds=saved.training_seconds,
    )


def restore_entry(saved: SavedNumber) -> Entry:
    """One number as a share."""
    limits = None if saved.low is None or saved.high is None else (as_share(saved.low), as_share(saved.high))
    return Entry(
        value=as_share(saved.percent),
        interval=limits,
        spread=if_any(as_share, saved.sd_over_seeds),
        difference=if_any(as_share, saved.difference),
        clear=bool(saved.difference_is_clear),
        domain=saved.domain or "",
        runs=saved.runs or 0,
    )


def as_share(percent: float) -> float:
    """A percentage as a share."""
    return percent / 100
