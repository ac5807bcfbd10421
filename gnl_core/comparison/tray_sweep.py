"""Score a cell's domains after a few of their images, drawn by the run's seed, are put to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gnl_core.comparison.grid import GridCell, load_cell
from gnl_core.comparison.trays import reason_against
from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.detectors.bank import BankDetector
from gnl_core.detectors.base import Detector
from gnl_core.engines import engine_of
from gnl_core.records import Scores
from gnl_core.runs.adapted_domains import fit_to_tray
from gnl_core.runs.images import list_domain
from gnl_core.runs.scores import Columns
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.runs.tray_images import digest_tray, load_tray
from gnl_core.runs.tray_scores import TrayScores, read_tray_scores, save_tray_scores, select_tray_scores
from gnl_core.runs.trays import Tray, TrayUse, draw_use, without
from gnl_core.scoring import score


class Task(NamedTuple):
    """Scores that are missing.

    Attributes:
        domain: The domain.
        items: All of its images.
        tray: Those that are put to use.
        digest: Their digest.
        use: What is done with them.
        scoring: How the others are scored.
    """

    domain: str
    items: list[Item]
    tray: Tray
    digest: str
    use: TrayUse
    scoring: ScoringConfig


def score_trays(cell: GridCell) -> None:
    """Compute and save the missing scores of a cell; what fails does not keep the rest from being saved.

    Raises:
        ValueError: If any could not be computed; names each with its reason.
    """
    tasks = list(missing_tasks(cell))
    if not tasks:
        return
    run = load_cell(cell)
    failures = {}
    for task in tasks:
        try:
            scores = score_task(run, task)
        except ValueError as error:
            failures[f"{task.domain}, {task.use.request}"] = str(error)
            continue
        found = TrayScores(task.use, task.digest, task.scoring, scores)
        save_tray_scores(cell.folder, [found], checkpoint=run.sha256, engine=engine_of(run.detector))
    if failures:
        raise ValueError("; ".join(f"{name}: {reason}" for name, reason in failures.items()))


def missing_tasks(cell: GridCell) -> Iterator[Task]:
    """Yield what the current checkpoint has no saved scores for; domains with too few images are left out."""
    uses = [use for use in cell.uses if use.way != "none" and reason_against(cell.config, use) is None]
    rows = read_tray_scores(cell.folder) if uses else None
    for domain in cell.domains if uses else ():
        items = list_domain(cell.config, domain)
        for use in uses:
            tray = draw_if_possible(items, use, seed=cell.config.seed)
            if tray is None:
                continue
            digest = digest_tray(tray)
            for scoring in cell.scorings:
                task = Task(domain, items, tray, digest, use, scoring)
                if rows is None or find_saved(rows, task) is None:
                    yield task


def find_saved(rows: Columns, task: Task) -> Scores | None:
    """Look up the scores of a task among the saved rows."""
    return select_tray_scores(rows, domain=task.domain, use=task.use, scoring=task.scoring, digest=task.digest)


def draw_if_possible(items: list[Item], use: TrayUse, *, seed: int) -> Tray | None:
    """Draw a tray; return None if the domain has too few images, which the comparison reports."""
    try:
        return draw_use(items, use, seed=seed)
    except ValueError:
        return None


def score_task(run: Run, task: Task) -> Scores:
    """Put a tray to use and score the domain's other images.

    Raises:
        ValueError: If an image cannot be read, or the run cannot be adapted to the tray.
    """
    detector = put_to_use(run, task.tray, task.use, task.scoring)
    return score(detector, scoring_batches(without(task.items, task.tray), run.config), task.scoring)


def put_to_use(run: Run, tray: Tray, use: TrayUse, scoring: ScoringConfig) -> Detector:
    """Return the run's detector adapted to a tray, or with the tray in its bank; the run stays as it is."""
    if use.way == "bank":
        assert isinstance(run.detector, BankDetector)  # others have no such use
        return run.detector.with_images(load_tray(tray.items, run.config), scoring)
    return run.detector.adapted(fit_to_tray(run, tray, scoring).adaptation)
