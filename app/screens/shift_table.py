"""The curves of the Shift lab as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from app.screens.explore_view import View
from app.screens.shift_numbers import Line, Method, corruption_of


def curve_table(view: View, methods: Sequence[Method]) -> str:
    """One row a method, strength of matching and severity, as CSV with a heading."""
    rows = [row for method in methods for line in method.lines for row in line_rows(view, line, method)]
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def line_rows(view: View, line: Line, method: Method) -> Iterator[dict[str, Any]]:
    """One line's rows; what is not known stays empty."""
    checkpoint, scoring = line.question
    for severity, found in line.reports.items():
        low, high = found.auroc_interval or (None, None)
        yield {
            "dataset": view.dataset,
            "normal_class": view.normal_class,
            "corruption": corruption_of(view),
            "severity": severity,
            "detector": checkpoint.config.detector,
            "style_weight": scoring.style_weight,
            "auroc": found.auroc,
            "auroc_low": low,
            "auroc_high": high,
            "shift_score": method.shift_scores.get(severity),
            "n_normal": found.n_normal,
            "n_anomalous": found.n_anomalous,
            "n_unlabelled": found.n_unlabelled,
            "seed": checkpoint.config.seed,
            "checkpoint": checkpoint.sha256,
        }
