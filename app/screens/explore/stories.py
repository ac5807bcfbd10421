"""The four stories of Explore: which bundled shift each is about, what it says, and the address of its view."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.adaptation import AS_IT_IS, UNLABELLED
from app.controls.checkpoint import describe_checkpoint
from app.controls.fdm import STRENGTHS
from app.controls.links import Address
from app.display.provenance import describe_n
from app.scoring import DomainResult, ScoringResult
from app.screens.explore.picks import BY_ADAPTING, BY_MATCHING, BY_SCORE
from app.words import capitalised, percent
from gnl_core.metrics.intervals import Estimate, Placements, estimate, interval_of_difference, place, subtract
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, domain_name, name_of, task_name
from gnl_core.records import DomainReport
from gnl_core.runs.adapted_scores import TrayChoice

METHOD = "rd4ad"  # a single method, so that each view shows a single change
NAME = DETECTOR_NAMES[METHOD]
STRENGTH = STRENGTHS[-1]
TRAY = TrayChoice(16)
ABOUT = (
    f"Chosen examples: each is the bundled shift with the largest change of its kind in {NAME}'s AUROC, judged by the "
    "cautious end of the change's 95\N{NO-BREAK SPACE}% interval."
)


class Case(NamedTuple):
    """A bundled shift as the method scores it: as it is, with full matching, and adapted, if that is saved."""

    checkpoint: Checkpoint
    shifted: str
    plain: ScoringResult
    matched: ScoringResult
    adapted: ScoringResult | None


class Kind(NamedTuple):
    """What a story is about.

    Attributes:
        title: Its title.
        effect: The change of AUROC that it is about, positive if the story holds; None if it is not known.
        tell: Its sentence.
        matched: Whether its view matches.
        adapted: Whether its view adapts.
        order: The order of its gallery.
    """

    title: str
    effect: Callable[[Case], Estimate | None]
    tell: Callable[[Case], str]
    matched: bool
    adapted: bool
    order: str


class Story(NamedTuple):
    """A view to open, and what it shows.

    Attributes:
        title: Its title.
        finding: Its sentence, computed from the scores.
        n: The numbers of images behind it.
        address: The query parameters of its view.
    """

    title: str
    finding: str
    n: str
    address: Address


def tell_stories(cases: Sequence[Case]) -> list[Story]:
    """Tell each story of the shift that shows it most clearly; leave out what no shift shows."""
    chosen = [(kind, choose_case(kind, cases)) for kind in KINDS]
    return [tell_story(kind, case) for kind, case in chosen if case is not None]


def choose_case(kind: Kind, cases: Sequence[Case]) -> Case | None:
    """Choose the shift with the largest change of AUROC, by the weaker end of its 95 % interval; None if none is sure.

    The same images decide and are then reported, so the page says that these are chosen examples.
    """
    effects = [(case, kind.effect(case)) for case in cases]
    certain = [(interval_of_difference(effect)[0], case) for case, effect in effects if effect is not None]
    largest, case = max(certain, key=lambda pair: pair[0], default=(0.0, None))
    return case if largest > 0 else None


def tell_story(kind: Kind, case: Case) -> Story:
    """Tell a story of a shift."""
    shown = case.adapted if kind.adapted and case.adapted else case.plain
    return Story(kind.title, kind.tell(case), describe_n(shown.shifted.report), address_of_story(kind, case))


def address_of_story(kind: Kind, case: Case) -> Address:
    """Return the query parameters of a story's view."""
    config = case.checkpoint.config
    address: Address = {
        keys.DATA: name_of(DATASET_NAMES, config.dataset),
        keys.NORMAL: config.normal_class,
        keys.SHIFT: domain_name(case.shifted),
        keys.METHODS: [NAME],
        f"{keys.RUN}{METHOD}": describe_checkpoint(case.checkpoint),
        f"{keys.FDM}{METHOD}": str(kind.matched).lower(),
        keys.STRENGTH: str(STRENGTH),
        keys.ADAPT: AS_IT_IS,
        keys.ORDER: kind.order,
    }
    return address | {keys.ADAPT: UNLABELLED, keys.TRAY: str(TRAY.size)} if kind.adapted else address


def is_open(story: Story, shown: Address) -> bool:
    """Return whether a page shows a story's view.

    Args:
        story: The story.
        shown: The query parameters of the page, without those of its gallery.
    """
    ignored = (keys.ORDER,) if keys.TRAY in story.address else (keys.ORDER, keys.TRAY)
    own, page = ({key: value for key, value in one.items() if key not in ignored} for one in (story.address, shown))
    return own == page


def loss_by_shift(case: Case) -> Estimate | None:
    """Estimate how much lower the AUROC is under the shift; its images are others than those in-distribution."""
    both = [placements(domain) for domain in (case.plain.in_distribution, case.plain.shifted)]
    before, after = (None if one is None else estimate({("", 0): one}) for one in both)
    if before is None or after is None:
        return None
    error = math.hypot(before.standard_error, after.standard_error)
    return before._replace(value=before.value - after.value, standard_error=error)


def gain_by_matching(case: Case) -> Estimate | None:
    """Estimate how much matching raises the AUROC."""
    return gain(case.plain.shifted, case.matched.shifted)


def loss_by_matching(case: Case) -> Estimate | None:
    """Estimate how much matching lowers the AUROC."""
    return gain(case.matched.shifted, case.plain.shifted)


def gain_by_adapting(case: Case) -> Estimate | None:
    """Estimate how much adapting raises the AUROC; None if it is not saved."""
    return None if case.adapted is None else gain(case.adapted.unadapted.shifted, case.adapted.shifted)


def gain(before: DomainResult, after: DomainResult) -> Estimate | None:
    """Estimate by how much the AUROC of the same images is higher after a change."""
    first, second = placements(before), placements(after)
    return None if first is None or second is None else estimate({("", 0): subtract(second, first)})


def placements(domain: DomainResult) -> Placements | None:
    """Compute the placements of a domain's images; None if it has no AUROC."""
    return place(domain.scores.label, domain.scores.score)


def tell_shift(case: Case) -> str:
    """State what the shift does."""
    before, after = case.plain.in_distribution.report, case.plain.shifted.report
    alarms, usual = share(after.false_alarm_rate), share(before.false_alarm_rate)
    return f"{compare(case, before, after)} {alarms} of the normal images raise an alarm, instead of {usual}."


def tell_matching(case: Case) -> str:
    """State what matching does."""
    return compare(case, case.plain.shifted.report, case.matched.shifted.report, how=" with FDM")


def tell_adapting(case: Case) -> str:
    """State what adapting does, in a case for which it is saved."""
    assert case.adapted is not None
    before, after = case.adapted.unadapted.shifted.report, case.adapted.shifted.report
    return (
        f"{compare(case, before, after, how=f', adapted to {TRAY.size} unlabelled images,')} False alarms go from "
        f"{share(before.false_alarm_rate)} to {share(after.false_alarm_rate)}, misses from {share(before.miss_rate)} "
        f"to {share(after.miss_rate)}."
    )


def compare(case: Case, before: DomainReport, after: DomainReport, *, how: str = "") -> str:
    """Compare an AUROC under the shift with another one; both exist in a chosen case."""
    subject = f"{capitalised(domain_name(case.shifted))}, {NAME}{how}"
    values = f"{after.auroc or 0.0:.2f} instead of {before.auroc or 0.0:.2f}"
    return f"{subject} separates {task_name(*case.checkpoint.task)} with AUROC {values}."


def share(rate: float | None) -> str:
    """Format a rate of errors, which exists in a chosen case."""
    return percent(rate or 0.0)


KINDS = (
    Kind("What a shift breaks", loss_by_shift, tell_shift, matched=False, adapted=False, order=BY_SCORE[0]),
    Kind("What matching saves", gain_by_matching, tell_matching, matched=True, adapted=False, order=BY_MATCHING[0]),
    Kind("Where matching hurts", loss_by_matching, tell_matching, matched=True, adapted=False, order=BY_MATCHING[3]),
    Kind("What adapting does", gain_by_adapting, tell_adapting, matched=False, adapted=True, order=BY_ADAPTING[0]),
)
