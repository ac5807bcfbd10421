"""Which comparisons there are: those that came with the project, and those in the app's folder of runs."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app import PROJECT
from app.checkpoints import hash_weights, runs_root, saved_rows
from app.words import DATASET_NAMES, counted, name_of
from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.records import Comparison, Method
from gnl_core.comparison.scores import run_of, select_method_scores
from gnl_core.records import Scores
from gnl_core.runs.discovery import cell_folder
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import count_diverged_scores

BUNDLED = PROJECT / "assets" / "results"
BUNDLED_NAMES = ("mnist", "mnist-eleven", "pacs", "mvtec", "cifar10")
FILE = "comparison.json"


class FoundComparison(NamedTuple):
    """A comparison that the page can show.

    Attributes:
        name: What the page calls it.
        comparison: Its numbers.
        output: The folder that its command names, or named.
        bundled: Whether it came with the project; its runs did not.
    """

    name: str
    comparison: Comparison
    output: Path
    bundled: bool


def list_comparisons() -> tuple[list[FoundComparison], list[str]]:
    """All comparisons, bundled ones first, then by name; and why some file was left out."""
    root = runs_root()
    bundled = [BUNDLED / f"{name}.json" for name in BUNDLED_NAMES]
    found, problems = [], []
    for file in [*bundled, *root.glob(FILE), *sorted(root.glob(f"*/{FILE}"))]:
        try:
            comparison = read_once(file, file.stat().st_mtime_ns)
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        if file in bundled:
            found.append(FoundComparison(bundled_name(comparison), comparison, Path("runs") / file.stem, bundled=True))
        else:
            found.append(FoundComparison(file.parent.name, comparison, file.parent, bundled=False))
    return found, problems


def bundled_name(comparison: Comparison) -> str:
    """Data set, and how much of it."""
    methods = {row.method.detector for row in comparison.rows if not row.published}
    dataset = name_of(DATASET_NAMES, comparison.config.dataset)
    return f"{dataset}, {counted(len(comparison.classes), 'class')}, {counted(len(methods), 'method')}"


@st.cache_resource(max_entries=64, show_spinner=False)
def read_once(file: Path, modified_ns: int) -> Comparison:
    """A comparison, read once for each version of its file; nothing ever changes it."""
    return read_comparison(file)


def unnoticed_divergence(found: FoundComparison) -> list[str]:
    """Names of runs beside a comparison that diverged, though its numbers count them: an older version wrote it."""
    if found.bundled:
        return []
    runs = (run for run in cells_of(found) if run.path.name not in found.comparison.diverged)
    return [run.path.name for run in runs if run.scores.exists() and has_diverged(run, run.scores.stat().st_mtime_ns)]


def cells_of(found: FoundComparison) -> list[RunFolder]:
    """Where the runs of a comparison lie, if they do."""
    comparison = found.comparison
    detectors = dict.fromkeys(row.method.detector for row in comparison.rows if not row.published)
    return [
        cell_folder(
            found.output,
            comparison.config.model_copy(update={"normal_class": normal_class, "detector": detector, "seed": seed}),
        )
        for normal_class, detector, seed in product(comparison.classes, detectors, comparison.seeds)
    ]


@st.cache_data(max_entries=4096, show_spinner=False)
def has_diverged(run: RunFolder, modified_ns: int) -> bool:
    """Whether a run's saved scores are not finite, looked up once for each version of their file."""
    return count_diverged_scores(run)[0] > 0


def scores_behind(found: FoundComparison, method: Method, *, normal_class: str) -> dict[str, Scores]:
    """The scores of each domain that a method's run has; none where no run lies beside the comparison."""
    if found.bundled:
        return {}
    run = run_of(found.comparison, found.output, method.detector, normal_class=normal_class)
    if not (run.weights.exists() and run.scores.exists()):
        return {}
    sha256 = hash_weights(run.weights, run.weights.stat().st_mtime_ns)
    rows = saved_rows(run.weights, sha256, run.scores.stat().st_mtime_ns)
    return {} if rows is None else select_method_scores(found.comparison, rows, method)
