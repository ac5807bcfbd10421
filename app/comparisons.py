"""List the comparisons: those bundled with the project, and those in the user's folder of runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app import PROJECT
from app.checkpoints import Checkpoint, hash_weights, runs_root, saved_rows
from app.server import rules
from app.words import counted
from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.records import Comparison, Method
from gnl_core.comparison.scores import run_of, select_method_scores
from gnl_core.comparison.tray_text import has_uses
from gnl_core.config import PATHS
from gnl_core.datasets.listing import check_name
from gnl_core.files import Version, version_of
from gnl_core.names import DATASET_NAMES, name_of
from gnl_core.records import Scores
from gnl_core.runs.discovery import cell_folder
from gnl_core.runs.folder import RunFolder, read_config, read_config_once
from gnl_core.runs.scores import count_diverged_scores

BUNDLED = PROJECT / "assets" / "results"
BUNDLED_NAMES = ("mnist", "mnist-eleven", "pacs", "mvtec", "cifar10", "bsdata", "mvtec-adapted", "parts-adapted")
FILE = "comparison.json"


class ListedComparison(NamedTuple):
    """A comparison that the page can show.

    Attributes:
        name: Its display name.
        comparison: Its numbers.
        output: The output folder in its command.
        bundled: Whether it is bundled with the project, which does not include its runs.
    """

    name: str
    comparison: Comparison
    output: Path
    bundled: bool


def list_comparisons() -> tuple[list[ListedComparison], list[str]]:
    """List all comparisons, bundled ones first, then by name, and the reasons why files were left out."""
    root = runs_root()
    bundled = [BUNDLED / f"{name}.json" for name in BUNDLED_NAMES]
    comparisons, problems = [], []
    own = [file for file in [*root.glob(FILE), *sorted(root.glob(f"*/{FILE}"))] if rules.may_show(file.parent.name)]
    for file in bundled + own:
        try:
            check_name(file.parent)
            comparison = read_once(file, version_of(file))
            if file not in bundled:
                comparison = with_paths(comparison, file.parent)
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        if file in bundled:
            comparisons.append(
                ListedComparison(bundled_name(comparison), comparison, Path("runs") / file.stem, bundled=True)
            )
        else:
            comparisons.append(ListedComparison(file.parent.name, comparison, file.parent, bundled=False))
    return comparisons, problems


def bundled_name(comparison: Comparison) -> str:
    """Name a bundled comparison by its data set, its numbers of classes and methods, and whether any is adapted."""
    methods = {row.method.detector for row in comparison.rows if not row.published}
    dataset = name_of(DATASET_NAMES, comparison.config.dataset)
    adapted = ", adapted" if has_uses(comparison.rows) else ""
    return f"{dataset}, {counted(len(comparison.classes), 'class')}, {counted(len(methods), 'method')}{adapted}"


@st.cache_resource(max_entries=64, show_spinner=False)
def read_once(file: Path, version: Version | None) -> Comparison:
    """Read a comparison, once for each version of its file. Do not modify the result."""
    return read_comparison(file)


def with_paths(comparison: Comparison, output: Path) -> Comparison:
    """Add the paths of data and weights, which the file leaves out, as the first of the comparison's runs has them."""
    run = next((run for run in runs_of(comparison, output) if run.config.exists()), None)
    try:
        own = read_config_once(run) if run else None
    except ValueError:  # the pages name a run that cannot be read; its comparison can
        own = None
    if own is None:
        return comparison
    paths = {name: getattr(own, name) for name in PATHS if getattr(comparison.config, name) is None}
    return comparison._replace(config=comparison.config.model_copy(update=paths))


def unnoticed_divergence(listed: ListedComparison) -> list[str]:
    """Name the diverged runs that a comparison's numbers include, because an older version wrote it."""
    if listed.bundled:
        return []
    runs = (run for run in runs_of(listed.comparison, listed.output) if run.path.name not in listed.comparison.diverged)
    return [run.path.name for run in runs if run.scores.exists() and has_diverged(run, version_of(run.scores))]


def runs_of(comparison: Comparison, output: Path) -> list[RunFolder]:
    """List the folders of a comparison's runs; they need not exist."""
    detectors = dict.fromkeys(row.method.detector for row in comparison.rows if not row.published)
    return [
        cell_folder(
            output,
            comparison.config.model_copy(update={"normal_class": normal_class, "detector": detector, "seed": seed}),
        )
        for normal_class, detector, seed in product(comparison.classes, detectors, comparison.seeds)
    ]


@st.cache_data(max_entries=4096, show_spinner=False)
def has_diverged(run: RunFolder, version: Version | None) -> bool:
    """Return whether any of a run's saved scores is not finite, checked once for each version of their file."""
    return count_diverged_scores(run)[0] > 0


def scores_behind(listed: ListedComparison, method: Method, *, normal_class: str) -> dict[str, Scores]:
    """Map each domain to the scores of a method's run; empty if the comparison's folder has no such run."""
    if listed.bundled:
        return {}
    run = run_of(listed.comparison, listed.output, method.detector, normal_class=normal_class)
    if not (run.weights.exists() and run.scores.exists()):
        return {}
    sha256 = hash_weights(run.weights, version_of(run.weights))
    rows = saved_rows(run.weights, sha256, version_of(run.scores))
    return {} if rows is None else select_method_scores(listed.comparison, rows, method)


def checkpoints_behind(listed: ListedComparison, methods: Sequence[Method], *, normal_class: str) -> list[Checkpoint]:
    """Return the checkpoints of methods' runs with the first seed; a method at two strengths has one.

    Raises:
        ValueError: If a run cannot be read, or names a path that this server does not open.
    """
    folders = {
        method.detector: run_of(listed.comparison, listed.output, method.detector, normal_class=normal_class)
        for method in methods
    }
    checkpoints = []
    for folder in folders.values():
        config = read_config(folder)
        rules.check_paths(config, name=folder.path.name)
        checkpoints.append(Checkpoint(folder, config, version_of(folder.weights)))
    return checkpoints
