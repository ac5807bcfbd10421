"""How many normal images a detector needs to hold again under a bundled shift. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.adaptation import join_adapted, present_adapted
from app.scoring import DomainResult, ScoringResult
from app.screens.learn.lessons import Case, shift_result
from app.words import percent
from gnl_core.runs.adapted_scores import TrayChoice

CLOSE = 0.03  # the detector holds if its AUROC is at most this much below the in-distribution AUROC,
ALARMS = 0.1  # and at most this share of normal images raises a false alarm
VISIBLE = 0.005  # smaller differences vanish with two decimals


class Step(NamedTuple):
    """A detector under shift, adapted to a number of normal images; all values are of the other images.

    Attributes:
        size: The number of images; 0 for the detector as it is.
        unadapted: AUROC without adapting.
        auroc: AUROC.
        false_alarms: Share of normal images above the threshold.
        misses: Share of anomalous images not above it.
        n_normal: Number of normal images.
    """

    size: int
    unadapted: float
    auroc: float
    false_alarms: float
    misses: float
    n_normal: int


class Remedy(NamedTuple):
    """What adapting brings under a shift.

    Attributes:
        in_distribution: AUROC in-distribution.
        steps: Results by number of images adapted to, in ascending order; the first is the detector as it is.
    """

    in_distribution: float
    steps: list[Step]

    @property
    def goal(self) -> float:
        """AUROC from which the detector holds."""
        return self.in_distribution - CLOSE

    @property
    def needed(self) -> int | None:
        """The smallest number of images with which the detector holds; None if there is none."""
        return next((step.size for step in self.steps if step.auroc >= self.goal and step.false_alarms <= ALARMS), None)

    @property
    def shown(self) -> Step:
        """The step that the sentence is about: with the images needed, else with the most."""
        return next((step for step in self.steps if step.size and step.size == self.needed), self.steps[-1])


def find_remedy(case: Case, sizes: Sequence[int]) -> Remedy:
    """Collect the results of RD4AD, adapted to each number of normal images, that are saved with the bundled run.

    Raises:
        ValueError: If one is missing.
    """
    result = shift_result(case)
    adapted = [saved_result(result, TrayChoice(size, known_normal=True), shifted=case.shifted) for size in sizes]
    pairs = [
        (size, one.unadapted.shifted, one.shifted) for size, one in zip((0, *sizes), [result, *adapted], strict=True)
    ]
    return Remedy(result.in_distribution.report.auroc or 0.0, [step_of(*pair) for pair in pairs])


def saved_result(result: ScoringResult, choice: TrayChoice, *, shifted: str) -> ScoringResult:
    """Return the result of the adapted detector.

    Raises:
        ValueError: If it is neither saved nor computed.
    """
    found = present_adapted(result.request, choice, like=result.shifted.scores, shifted=shifted)
    if found is None:
        folder = result.request.checkpoint.folder
        raise ValueError(
            f"{folder.adapted.name} of {folder.path.name} has no results for {choice.size} normal images of {shifted}; "
            "run make checkpoints to compute them again"
        )
    return join_adapted(result, choice, found)


def step_of(size: int, before: DomainResult, after: DomainResult) -> Step:
    """Collect the values of one number of images."""
    report = after.report
    return Step(
        size,
        unadapted=before.report.auroc or 0.0,
        auroc=report.auroc or 0.0,
        false_alarms=report.false_alarm_rate or 0.0,
        misses=report.miss_rate or 0.0,
        n_normal=report.n_normal,
    )


def largest_gain(remedy: Remedy) -> float:
    """Return the largest increase of AUROC by adapting."""
    return max(step.auroc - step.unadapted for step in remedy.steps)


def describe_remedy(remedy: Remedy) -> str:
    """State how many images it takes, and what adapting to them changes."""
    first, shown = remedy.steps[0], remedy.shown
    beginnings = {
        None: f"Even **{shown.size} normal images** are not enough",
        0: "**None** is needed, because the detector still holds as it is",
    }
    beginning = beginnings.get(remedy.needed, f"It takes **{shown.size} normal images**")
    change = shown.auroc - shown.unadapted
    auroc = (
        f"AUROC stays at {shown.auroc:.2f}"
        if abs(change) < VISIBLE
        else f"AUROC {'rises' if change > 0 else 'falls'} from {shown.unadapted:.2f} to {shown.auroc:.2f}"
    )
    return (
        f"{beginning}. With {shown.size}, {auroc} ({remedy.in_distribution:.2f} in-distribution). False alarms go from "
        f"{percent(first.false_alarms)} to {percent(shown.false_alarms)}, misses from {percent(first.misses)} to "
        f"{percent(shown.misses)}.{describe_lack(remedy)}"
    )


def describe_lack(remedy: Remedy) -> str:
    """Say why the detector does not hold, if it does not; empty if it does."""
    if remedy.needed is not None:
        return ""
    if remedy.shown.auroc >= remedy.goal:
        return " AUROC is high enough, but false alarms are not low enough: the threshold needs more normal images."
    gap = remedy.in_distribution - remedy.shown.auroc
    return (
        f" AUROC remains {gap:.2f} below its in-distribution value: where the scores of normal and anomalous images "
        "overlap, a threshold only trades false alarms for misses."
    )


def describe_size(size: int | None, sizes: Sequence[int]) -> str:
    """Describe a number of images needed; None for more than the largest."""
    if size is None:
        return f"{sizes[-1]} normal images are not enough"
    return f"{size} normal images are enough" if size else "none is needed"
