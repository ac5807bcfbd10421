"""Format a comparison as text, for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from gnl_core.comparison.records import ID_COST, Comparison, ComparisonRow, Entry, reference_of
from gnl_core.comparison.tray_text import describe_bold, describe_trays, has_uses, use_text
from gnl_core.names import describe_engines
from gnl_core.tables import align_columns, escape_markdown

MISSING = "-"
DECIMALS = 6  # of percentages on disk; text is rounded from these, so a file that is read again gives the same text


def percent(value: float, *, signed: bool = False) -> str:
    """Format a fraction in percent with one decimal; zero has no sign."""
    rounded = round(as_percent(value), 1) or 0.0
    return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"


def as_percent(share: float) -> float:
    """Convert a fraction to percent, rounded as on disk."""
    return round(100 * share, DECIMALS) + 0.0  # no negative zero


def value_text(entry: Entry | None, column: str) -> str:
    """Format a number with ± its standard deviation over seeds."""
    if entry is None:
        return MISSING
    spread = "" if entry.spread is None else f" ± {percent(entry.spread)}"
    return percent(entry.value, signed=column == ID_COST) + spread


def interval_text(entry: Entry | None, column: str) -> str:
    """Format the 95 % interval, or return ""."""
    if entry is None or entry.interval is None:
        return ""
    return " to ".join(percent(end, signed=column == ID_COST) for end in entry.interval)


def name_columns(rows: Sequence[ComparisonRow]) -> tuple[str, ...]:
    """Return the headings of a table's columns that name its rows."""
    return ("method", "alpha", *(("adaptation",) if has_uses(rows) else ()))


def row_names(row: ComparisonRow, *, with_use: bool = False) -> tuple[str, ...]:
    """Return the texts that name a row: "-" for a method without matching, "" for published numbers.

    Args:
        row: The row.
        with_use: Whether any row of its table puts a tray to use.

    Returns:
        Method and strength of matching, and with `with_use` what is done with a tray.
    """
    if row.published:
        return (f"{row.method.detector} (published)", "", *([""] if with_use else []))
    strength = row.method.style_weight
    words = [use_text(row.method.use)] if with_use else []
    return (row.method.detector, MISSING if strength is None else f"{strength:g}", *words)


def best_rows(rows: Sequence[ComparisonRow], column: str, *, runs: int) -> set[int]:
    """Return the positions of the best rows of a column: highest AUROC or lowest ID cost, including ties.

    Rows over the same images compete. Excludes published numbers, numbers with missing runs, and the reference in the
    ID cost that it defines.

    Args:
        rows: The table.
        column: One of its columns.
        runs: Number of runs behind a complete number.
    """
    sign = -1 if column == ID_COST else 1
    by_images: dict[str | None, dict[int, float]] = {}
    for position, row in enumerate(rows):
        entry, use = row.entries.get(column), row.method.use
        if entry is None or row.published or entry.runs != runs:
            continue
        if not (column == ID_COST and row.method == reference_of(row.method)):
            shown = sign * round(entry.value, 3)
            by_images.setdefault(use and use.tray, {})[position] = shown
    return {
        position
        for values in by_images.values()
        for position, value in values.items()
        if len(values) > 1 and value == max(values.values())
    }


def describe(comparison: Comparison) -> list[str]:
    """Describe what was measured and how to read it, with one or two sentences per line."""
    config, seeds = comparison.config, ", ".join(map(str, comparison.seeds))
    height, width = config.image_size
    several = len(comparison.classes) > 1
    lines = [
        f"{config.dataset}; normal classes: {', '.join(comparison.classes)}; seeds: {seeds}; teacher {config.teacher} "
        f"at {height}x{width} px; epochs: {config.epochs}; {describe_counts(comparison)}.",
        f"AUROC in percent{', mean over the classes' if several else ''}"
        f"{', ± standard deviation over seeds' if len(comparison.seeds) > 1 else ''}, with the 95 % interval over test "
        "images; alpha is the strength of feature distribution matching.",
    ]
    if ID_COST in comparison.columns:
        lines.append(
            f"ID cost: in-distribution AUROC ({comparison.in_distribution}) lost against RD4AD without matching; "
            "negative values are gains."
        )
    lines += describe_trays(comparison)
    engines = describe_engines(comparison.engines)
    lines += [f"{engines[0].upper()}{engines[1:]}."] if engines else []
    if comparison.diverged:
        lines.append(describe_diverged(comparison.diverged))
    if any(row.published for row in comparison.rows):
        lines.append(
            "Published: numbers of the paper's supplement over the same classes, with another backbone and "
            "other training; not measured here."
        )
    return lines


def describe_diverged(names: Sequence[str]) -> str:
    """Name the diverged runs and say how they are treated."""
    return f"Diverged; domains with scores that are not finite are left out: {', '.join(names)}."


def describe_counts(comparison: Comparison) -> str:
    """Describe the numbers of test images per domain and class, as ranges."""
    counts = [count for by_domain in comparison.counts.values() for count in by_domain.values()]
    normal, anomalous = (
        f"{min(ends)}" if min(ends) == max(ends) else f"{min(ends)}-{max(ends)}"
        for ends in (zip(*counts, strict=True) if counts else ([0], [0]))
    )
    return f"n = {normal} normal and {anomalous} anomalous test images per domain and class"


def terminal_table(comparison: Comparison) -> str:
    """Format the means as aligned columns, with intervals below each row."""
    names, with_use = name_columns(comparison.rows), has_uses(comparison.rows)
    header = [*names, *comparison.columns, "runs", "training"]
    lines = [header]
    for row in comparison.rows:
        values = [value_text(row.entries.get(name), name) for name in comparison.columns]
        lines.append([*row_names(row, with_use=with_use), *values])
        lines[-1] += [] if row.published else [str(row.runs), seconds_text(row)]
        intervals = [interval_text(row.entries.get(name), name) for name in comparison.columns]
        lines += [[*[""] * len(names), *intervals]] if any(intervals) else []
    filled = [[*line, *[""] * (len(header) - len(line))] for line in lines]
    return "\n".join([*describe(comparison), "", *align_columns(filled)])


def seconds_text(row: ComparisonRow) -> str:
    """Format the mean training time of a row."""
    return "" if row.training_seconds is None else f"{row.training_seconds:.0f} s"


def markdown_page(comparison: Comparison) -> str:
    """Format the means as a Markdown table, followed by a table per class."""
    seeds = len(comparison.seeds)
    parts = [
        *map(escape_markdown, describe(comparison)),
        *describe_bold(comparison.rows),
        markdown_table(comparison.rows, comparison.columns, runs=seeds * len(comparison.classes)),
    ]
    if len(comparison.classes) > 1:
        for normal_class, rows in comparison.by_class.items():
            parts += [
                f"## Normal class {escape_markdown(normal_class)}",
                markdown_table(rows, comparison.columns, runs=seeds),
            ]
    return "\n\n".join(parts) + "\n"


def markdown_table(rows: Sequence[ComparisonRow], columns: Sequence[str], *, runs: int) -> str:
    """Format one Markdown table, with the best numbers in bold and published numbers small.

    Args:
        rows: The table rows.
        columns: The columns of numbers.
        runs: Number of runs of a complete row.
    """
    with_use = has_uses(rows)
    header = [*name_columns(rows), *map(escape_markdown, columns), "runs", "training"]
    best = {column: best_rows(rows, column, runs=runs) for column in columns}
    lines = [header, ["---", "---:", *["---"] * with_use, *["---:"] * (len(columns) + 2)]]
    for position, row in enumerate(rows):
        values = [markdown_value(row, column, bold=position in best[column]) for column in columns]
        facts = ["", ""] if row.published else [str(row.runs), seconds_text(row)]
        names = [name_cell(name) for name in row_names(row, with_use=with_use)]
        lines.append([*names, *values, *facts])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def name_cell(name: str) -> str:
    """Escape what names a row; a dash alone is a dash in a table."""
    return name if name == MISSING else escape_markdown(name)


def markdown_value(row: ComparisonRow, column: str, *, bold: bool) -> str:
    """Format one number, with its interval in small print."""
    entry = row.entries.get(column)
    value = value_text(entry, column)
    if row.published:
        return f"<sub>{value}</sub>"
    limits = interval_text(entry, column)
    return (f"**{value}**" if bold else value) + (f"<br><sub>{limits}</sub>" if limits else "")
