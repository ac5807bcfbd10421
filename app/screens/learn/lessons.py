"""What the page Learn shows, chosen from the scores that come with the project. Nothing here imports PyTorch."""

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
    """A bundled data set with one class of it as normal, and the two runs that were trained on it."""

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
    """A shift of a bundled task: what `gain_dumbbells` and histograms are about."""

    task: LessonData
    shifted: str


class Matched(NamedTuple):
    """One domain under GNL's run without matching and with it in full.

    Attributes:
        name: Its domain.
        off: Scores without matching.
        on: Scores of the same images with it.
        auroc: AUROC of both.
    """

    name: str
    off: Scores
    on: Scores
    auroc: tuple[float, float]

    @property
    def gain(self) -> float:
        """What matching adds to the AUROC."""
        return self.auroc[1] - self.auroc[0]


def bundled_tasks() -> dict[str, LessonData]:
    """The tasks that come with the project, by data set.

    Raises:
        ValueError: If there is none with both methods.
    """
    runs = {(c.task, c.config.detector): c for c in list_checkpoints()[0] if c.bundled}
    found = {
        dataset: LessonData(dataset, normal_class, run, runs[(dataset, normal_class), IMPROVED])
        for ((dataset, normal_class), detector), run in runs.items()
        if detector == PLAIN and ((dataset, normal_class), IMPROVED) in runs
    }
    if not found:
        raise ValueError(
            "the runs that come with the project are not in assets/checkpoints; make checkpoints trains them again"
        )
    return found


def bundled_cases(tasks: dict[str, LessonData]) -> dict[str, Case]:
    """Every shifted domain of the bundled tasks, by its name."""
    return {shifted: Case(task, shifted) for task in tasks.values() for shifted in task.spec.shifted}


def unmatched(checkpoint: Checkpoint) -> ScoringRequest:
    """A run as it scores without matching."""
    return make_request(checkpoint, style_weight=0.0)


def shift_answer(case: Case) -> ScoringResult:
    """What a shift does to the scores of RD4AD, without matching."""
    return compute_result(unmatched(case.task.plain), spec=case.task.spec, shifted=case.shifted)


def plain_scores(task: LessonData) -> Scores:
    """RD4AD's scores of the images in-distribution."""
    return scores_of(unmatched(task.plain), task.spec.in_distribution)


def compare_matching(task: LessonData) -> list[Matched]:
    """Every domain of a task, the in-distribution one first, under its run of GNL with and without matching."""
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
    """The image of a label whose score is nearest to the median of that label's; its place among those, from 0."""
    own = scores.score[scores.label == label]
    return int(np.abs(own - np.median(own)).argmin())


def row_of(scores: Scores, label: int, place: int) -> int:
    """The row of a label's image, given its place among that label's images."""
    return int(np.flatnonzero(scores.label == label)[place])


def subject_in(task: LessonData, domain: str, row: int) -> Subject:
    """An image of a domain by its row in the scores.

    Raises:
        ValueError: If it cannot be read; says why.
    """
    return subject_of(list_items(task.dataset, normal_class=task.normal_class, domain=domain)[row])
