"""A comparison as one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

from gnl_core.comparison.records import ID_COST, Comparison, ComparisonRow, Entry
from gnl_core.comparison.text import (
    MISSING,
    best_rows,
    describe,
    interval_text,
    percent,
    row_names,
    seconds_text,
)


def comparison_page(comparison: Comparison, figures: Mapping[str, bytes]) -> str:
    """The means, then each class, then the figures; light or dark as the reader's system is.

    Args:
        comparison: What to show.
        figures: Caption to SVG.
    """
    title = f"Comparison on {comparison.config.dataset}"
    seeds = len(comparison.seeds)
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in describe(comparison)),
        *([explain_differences()] if ID_COST in comparison.columns else []),
        html_table(comparison.rows, comparison.columns, runs=seeds * len(comparison.classes)),
    ]
    if len(comparison.classes) > 1:
        for normal_class, rows in comparison.by_class.items():
            table = html_table(rows, comparison.columns, runs=seeds)
            body.append(f"<details><summary>Normal class {escape(normal_class)}</summary>{table}</details>")
    body += [html_figure(caption, svg) for caption, svg in figures.items()]
    style = files("gnl_core.comparison").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def explain_differences() -> str:
    """What the small signed numbers are."""
    return (
        "<p>Signed: the difference from RD4AD without matching over the same images and seeds, in colour where it "
        "lies beyond its own 95 % interval (test images, and seeds if there are several).</p>"
    )


def html_table(rows: Sequence[ComparisonRow], columns: Sequence[str], *, runs: int) -> str:
    """One table.

    Args:
        rows: Its rows.
        columns: Its columns of numbers.
        runs: Number of runs that a whole row has.
    """
    best = {column: best_rows(rows, column, runs=runs) for column in columns}
    names = ("method", "alpha", *columns, "runs", "training")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    lines = []
    for position, row in enumerate(rows):
        method, strength = row_names(row)
        values = (html_value(row.entries.get(name), name, bold=position in best[name]) for name in columns)
        facts = ("", "") if row.published else (str(row.runs), seconds_text(row))
        texts = (escape(strength), *values, *facts)
        kind = ' class="published"' if row.published else ""
        cells = "".join(f"<td>{text}</td>" for text in texts)
        lines.append(f'<tr{kind}><th scope="row">{escape(method)}</th>{cells}</tr>')
    body = "\n".join(lines)
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def html_value(entry: Entry | None, column: str, *, bold: bool) -> str:
    """A number, its spread beside it, below it the interval and the difference from the reference."""
    if entry is None:
        return MISSING
    value = percent(entry.value, signed=column == ID_COST)
    spread = "" if entry.spread is None else f' <small class="beside">± {percent(entry.spread)}</small>'
    if entry.domain:  # the rest stands in that domain's own column
        below = f"<small>{escape(entry.domain)}</small>"
    else:
        limits = interval_text(entry, column)
        below = (f"<small>{limits}</small>" if limits else "") + html_difference(entry)
    return (f"<b>{value}</b>" if bold else value) + spread + below


def html_difference(entry: Entry) -> str:
    """The difference from the reference, in colour only where chance does not explain it."""
    if not entry.difference:
        return ""
    kind = "" if not entry.clear else ' class="gain"' if entry.difference > 0 else ' class="loss"'
    return f"<small{kind}>{percent(entry.difference, signed=True)}</small>"


def html_figure(caption: str, svg: bytes) -> str:
    """A picture within the page itself."""
    source = base64.b64encode(svg).decode()
    return f'<h2>{escape(caption)}</h2>\n<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{source}" />'
