"""Run folders with made-up scores, without training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gnl_core.comparison.grid import Grid, GridCell, plan_cells
from gnl_core.config import ScoringConfig
from gnl_core.records import EpochRecord, Scores
from gnl_core.runs.folder import create_run, write_records
from gnl_core.runs.scores import save_scores_each

IMAGES = 40
Wrong = Callable[[GridCell, ScoringConfig, str], int | None]


def make_scores(domain: str, *, wrong: int) -> Scores:
    """Twenty normal images and anomalies, `wrong` of which score below all normal images: AUROC 1 - wrong / 20."""
    label = np.arange(IMAGES) % 2
    score = np.where(label == 0, 1.0, 2.0) + np.arange(IMAGES) / 1000
    score[np.flatnonzero(label)[:wrong]] = 0.0
    return Scores(
        score=score,
        label=label,
        domain=np.array([domain] * IMAGES),
        category=np.array(["x"] * IMAGES),
        path=np.array([f"{domain}/{row}" for row in range(IMAGES)]),
    )


def build_cells(output: Path, grid: Grid, wrong: Wrong, **settings: object) -> list[GridCell]:
    """Cells with scores; `wrong` maps cell, scoring settings and domain to wrong anomalies; None: no scores."""
    cells = plan_cells(settings, grid, output=output)
    for cell in cells:
        answers = [
            (scoring, make_scores(domain, wrong=count))
            for scoring in cell.scorings
            for domain in cell.domains
            if (count := wrong(cell, scoring, domain)) is not None
        ]
        if answers:
            folder = create_run(cell.folder.path, cell.config)
            folder.weights.write_bytes(cell.folder.path.name.encode())
            write_records(folder, [EpochRecord(epoch=cell.config.epochs, losses={"a": 1.0}, elapsed_seconds=12.0)])
            save_scores_each(folder, answers)
    return cells


@pytest.fixture
def make_cells(tmp_path: Path) -> Callable[..., list[GridCell]]:
    """`build_cells` in a folder of the test's own."""
    return partial(build_cells, tmp_path)


@pytest.fixture(scope="session")
def pacs_cells(tmp_path_factory: pytest.TempPathFactory) -> list[GridCell]:
    """RD4AD and GNL on two classes of PACS; GNL at strength 1 is better under shift and worse without."""

    def wrong(cell: GridCell, scoring: ScoringConfig, domain: str) -> int:
        matched = cell.config.detector == "gnl" and scoring.style_weight == 1
        return (3 if matched else 2) if domain == "photo" else (2 if matched else 9) + cell.config.seed

    grid = Grid(("dog", "house"), ("rd4ad", "gnl"), (0, 1), (0.0, 1.0))
    return build_cells(tmp_path_factory.mktemp("pacs"), grid, wrong, dataset="pacs")
