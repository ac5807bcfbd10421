"""The examples of the page Learn, chosen from the bundled scores. Nothing here imports PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.checkpoints import Checkpoint, list_checkpoints
from app.scoring import ScoringRequest, ScoringResult, compute_result, make_request, scores_of
from app.subjects import Subject, subject_of
from gnl_core.datasets import DATASETS, list_items
from gnl_core.datasets.base import DatasetSpec
from gnl_core.records import Scores

PLAIN, IMPROVED = "rd4ad", "gnl"  # the two methods that are bundled


class LessonData(NamedTuple):
    """A bundled data set, its normal class, and the two runs trained on it."""

    dataset: str
    normal_class: str
    plain: Checkpoint
    improved: Checkpoint

    @property
    def spec(self) -> DatasetSpec:
        """The data set, its in-distribution domain first."""
        return DATASETS[self.dataset]

    @property
    def runs(self) -> tuple[Checkpoint, Checkpoint]:
        """RD4AD, then GNL."""
        return self.plain, self.improved


class Case(NamedTuple):
    """A shifted domain of a bundled task."""

    task: LessonData
    shifted: str


class Matched(NamedTuple):
    """One domain scored by GNL without and with full matching.

    Attributes:
        name: The domain.
        off: Scores without matching.
        on: Scores of the same images with full matching.
        auroc: AUROC without and with it.
    """

    name: str
    off: Scores
    on: Scores
    auroc: tuple[float, float]

    @property
    def gain(self) -> float:
        """The increase of AUROC by matching."""
        return self.auroc[1] - self.auroc[0]


def bundled_tasks() -> dict[str, LessonData]:
    """Map each bundled data set to its task.

    Raises:
        ValueError: If no task has both methods.
    """
    runs = {(c.task, c.config.detector): c for c in list_checkpoints()[0] if c.bundled}
    tasks = {
        dataset: LessonData(dataset, normal_class, run, runs[(dataset, normal_class), IMPROVED])
        for ((dataset, normal_class), detector), run in runs.items()
        if detector == PLAIN and ((dataset, normal_class), IMPROVED) in runs
    }
    if not tasks:
        raise ValueError(
            "the project's bundled runs are missing from assets/checkpoints; run make checkpoints to train them again"
        )
    return tasks


def bundled_cases(tasks: dict[str, LessonData]) -> dict[str, Case]:
    """Map each shifted domain of the bundled tasks to its case."""
    return {shifted: Case(task, shifted) for task in tasks.values() for shifted in task.spec.shifted}


def unmatched(checkpoint: Checkpoint) -> ScoringRequest:
    """Build the request for a run without matching."""
    return make_request(checkpoint, style_weight=0.0)


def shift_result(case: Case) -> ScoringResult:
    """Score a shift with RD4AD, without matching."""
    return compute_result(unmatched(case.task.plain), spec=case.task.spec, shifted=case.shifted)


def plain_scores(task: LessonData) -> Scores:
    """Return RD4AD's scores of the in-distribution images."""
    return scores_of(unmatched(task.plain), task.spec.in_distribution)


def compare_matching(task: LessonData) -> list[Matched]:
    """Score every domain of a task, in-distribution first, with its GNL run without and with matching."""
    off = [compute_result(unmatched(task.improved), spec=task.spec, shifted=shifted) for shifted in task.spec.shifted]
    on = [
        compute_result(make_request(task.improved, style_weight=1.0), spec=task.spec, shifted=shifted)
        for shifted in task.spec.shifted
    ]
    pairs = [
        (task.spec.in_distribution, off[0].in_distribution, on[0].in_distribution),
        *(
            (name, before.shifted, after.shifted)
            for name, before, after in zip(task.spec.shifted, off, on, strict=True)
        ),
    ]
    return [
        Matched(name, before.scores, after.scores, (before.report.auroc or 0.0, after.report.auroc or 0.0))
        for name, before, after in pairs
    ]


def typical_row(scores: Scores, label: int) -> int:
    """Find the image whose score is nearest to its label's median; return its position within the label, from 0."""
    own = scores.score[scores.label == label]
    return int(np.abs(own - np.median(own)).argmin())


def row_of(scores: Scores, label: int, place: int) -> int:
    """Return the row of an image, given its position among its label's images."""
    return int(np.flatnonzero(scores.label == label)[place])


def subject_in(task: LessonData, domain: str, row: int) -> Subject:
    """Read an image of a domain by its row in the scores.

    Raises:
        ValueError: If it cannot be read; the message says why.
    """
    return subject_of(list_items(task.dataset, normal_class=task.normal_class, domain=domain)[row])
