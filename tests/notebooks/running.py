"""Run the cells of a notebook in this process, as Jupyter does in its own."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path
from typing import Any

import nbformat


def run_notebook(content: str, *, folder: Path) -> tuple[dict[str, Any], list[object]]:
    """Check a notebook's format and run it; return its variables, and the value that each cell shows, or None."""
    notebook = nbformat.reads(content, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    variables: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.chdir(folder):
        shown = [run_cell(cell.source, variables) for cell in notebook.cells if cell.cell_type == "code"]
    return variables, shown


def run_cell(source: str, variables: dict[str, Any]) -> object:
    """Run a cell and return the value of its last line; None if that is no expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), variables)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), variables)
