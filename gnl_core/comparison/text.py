"""A comparison as text: for the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from gnl_core.comparison.records import ID_COST, REFERENCE, Comparison, ComparisonRow, Entry
from gnl_core.tables import align_columns

MISSING = "-"
DECIMALS = 6  # of a percentage on disk; text is rounded from there, so that a file that is read again gives the same


def percent(value: float, *, signed: bool = False) -> str:
    """A share in percent with one decimal; a zero has no sign."""
    rounded = round(as_percent(value), 1) or 0.0
    return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"


def as_percent(share: float) -> float:
    """A share in percent, as it is written to disk."""
    return round(100 * share, DECIMALS) + 0.0  # no negative zero


def value_text(entry: Entry | None, column: str) -> str:
    """The number, and ± its standard deviation over seeds."""
    if entry is None:
        return MISSING
    spread = "" if entry.spread is None else f" ± {percent(entry.spread)}"
    return percent(entry.value, signed=column == ID_COST) + spread


def interval_text(entry: Entry | None, column: str) -> str:
    """The 95 % interval, or nothing."""
    if entry is None or entry.interval is None:
        return ""
    return " to ".join(percent(end, signed=column == ID_COST) for end in entry.interval)


def row_names(row: ComparisonRow) -> tuple[str, str]:
    """The method, and its strength of matching: - for a method without, nothing for published numbers."""
    if row.published:
        return f"{row.method.detector} (published)", ""
    strength = row.method.style_weight
    return row.method.detector, MISSING if strength is None else f"{strength:g}"


def best_rows(rows: Sequence[ComparisonRow], column: str, *, runs: int) -> set[int]:
    """Positions of the best measured rows of a column: the highest AUROC or the lowest ID cost, ties included.

    Published numbers do not compete, nor do those that lack runs, nor the reference for the cost that it defines.

    Args:
        rows: The table.
        column: One of its columns.
        runs: Number of runs behind a number that lacks none.
    """
    sign = -1 if column == ID_COST else 1
    found = {
        position: sign * round(row.entries[column].value, 3)  # as shown
        for position, row in enumerate(rows)
        if column in row.entries and not row.published and row.entries[column].runs == runs
        if not (column == ID_COST and row.method == REFERENCE)
    }
    return {position for position, value in found.items() if value == max(found.values())} if len(found) > 1 else set()


def describe(comparison: Comparison) -> list[str]:
    """What was measured and how to read it, a sentence or two a line."""
    config, seeds = comparison.config, ", ".join(map(str, comparison.seeds))
    height, width = config.image_size
    several = len(comparison.classes) > 1
    lines = [
        f"{config.dataset}; normal in turn: {', '.join(comparison.classes)}; seeds: {seeds}; teacher {config.teacher} "
        f"at {height}x{width} px; epochs: {config.epochs}; {describe_counts(comparison)}.",
        f"AUROC in percent{', mean over the classes' if several else ''}"
        f"{', ± standard deviation over seeds' if len(comparison.seeds) > 1 else ''}, with the 95 % interval over test "
        "images; alpha is the strength of feature distribution matching.",
    ]
    if ID_COST in comparison.columns:
        lines.append(
            f"ID cost: what a method loses in-distribution ({comparison.in_distribution}) against RD4AD without "
            "matching; below zero it gains."
        )
    if comparison.diverged:
        lines.append(describe_diverged(comparison.diverged))
    if any(row.published for row in comparison.rows):
        lines.append(
            "Published: the numbers of the paper's supplement over the same classes, with another backbone and "
            "another training; not ours."
        )
    return lines


def describe_diverged(names: Sequence[str]) -> str:
    """Which runs no number counts, and why."""
    return f"Diverged, and in no number where their scores are not finite: {', '.join(names)}."


def describe_counts(comparison: Comparison) -> str:
    """How many test images a domain has for each class, as a range."""
    counts = [count for by_domain in comparison.counts.values() for count in by_domain.values()]
    normal, anomalous = (
        f"{min(ends)}" if min(ends) == max(ends) else f"{min(ends)}-{max(ends)}"
        for ends in (zip(*counts, strict=True) if counts else ([0], [0]))
    )
    return f"n = {normal} normal and {anomalous} anomalous test images a domain and class"


def terminal_table(comparison: Comparison) -> str:
    """The means as aligned columns, each row's intervals below it."""
    header = ["method", "alpha", *comparison.columns, "runs", "training"]
    lines = [header]
    for row in comparison.rows:
        lines.append([*row_names(row), *(value_text(row.entries.get(name), name) for name in comparison.columns)])
        lines[-1] += [] if row.published else [str(row.runs), seconds_text(row)]
        intervals = [interval_text(row.entries.get(name), name) for name in comparison.columns]
        lines += [["", "", *intervals]] if any(intervals) else []
    filled = [[*line, *[""] * (len(header) - len(line))] for line in lines]
    return "\n".join([*describe(comparison), "", *align_columns(filled)])


def seconds_text(row: ComparisonRow) -> str:
    """Mean duration of a row's trainings."""
    return "" if row.training_seconds is None else f"{row.training_seconds:.0f} s"


def markdown_page(comparison: Comparison) -> str:
    """The means as a Markdown table, and each class's own table after it."""
    seeds = len(comparison.seeds)
    parts = [
        *describe(comparison),
        markdown_table(comparison.rows, comparison.columns, runs=seeds * len(comparison.classes)),
    ]
    if len(comparison.classes) > 1:
        for normal_class, rows in comparison.by_class.items():
            parts += [f"## Normal class {normal_class}", markdown_table(rows, comparison.columns, runs=seeds)]
    return "\n\n".join(parts) + "\n"


def markdown_table(rows: Sequence[ComparisonRow], columns: Sequence[str], *, runs: int) -> str:
    """One table: the best in bold, published numbers small.

    Args:
        rows: Its rows.
        columns: Its columns of numbers.
        runs: Number of runs that a whole row has.
    """
    header = ["method", "alpha", *columns, "runs", "training"]
    best = {column: best_rows(rows, column, runs=runs) for column in columns}
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    for position, row in enumerate(rows):
        values = [markdown_value(row, column, bold=position in best[column]) for column in columns]
        facts = ["", ""] if row.published else [str(row.runs), seconds_text(row)]
        lines.append([*row_names(row), *values, *facts])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_value(row: ComparisonRow, column: str, *, bold: bool) -> str:
    """One number with its interval in small print."""
    entry = row.entries.get(column)
    value = value_text(entry, column)
    if row.published:
        return f"<sub>{value}</sub>"
    limits = interval_text(entry, column)
    return (f"**{value}**" if bold else value) + (f"<br><sub>{limits}</sub>" if limits else "")
