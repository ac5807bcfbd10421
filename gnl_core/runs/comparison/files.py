"""The files of a comparison, beside its run folders."""

from __future__ import annotations

from pathlib import Path

from gnl_core.runs.comparison.data import comparison_csv
from gnl_core.runs.comparison.measure import Comparison
from gnl_core.runs.folder import write_atomically

NAME = "comparison"


def write_comparison(comparison: Comparison, output: Path) -> list[Path]:
    """Write the tables in each form; older ones are replaced.

    Returns:
        The files.
    """
    contents = {"csv": comparison_csv(comparison)}
    files = []
    for ending, content in contents.items():
        files.append(output / f"{NAME}.{ending}")
        write_atomically(files[-1], content.encode())
    return files
