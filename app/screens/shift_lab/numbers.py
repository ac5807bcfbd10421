"""What is known of the methods at each severity of a corruption: what lies on disk, or was computed already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.controls.view import View
from app.image_scoring import RequestPair
from app.scoring import ScoringRequest, known_shift_scores, measure, present_scores
from gnl_core.datasets.corruptions import SEVERITIES, parse_shift
from gnl_core.datasets.shifts import shifted_domain, split_domain
from gnl_core.records import DomainReport

UNCHANGED = 0  # the severity of the images as they are


class ScoredCurve(NamedTuple):
    """One question and its answers so far.

    Attributes:
        request: What was asked.
        reports: Severity to the figures of the images under it.
    """

    request: ScoringRequest
    reports: dict[int, DomainReport]

    @property
    def aurocs(self) -> dict[int, float]:
        """Severity to AUROC, where there is one."""
        return {severity: found.auroc for severity, found in self.reports.items() if found.auroc is not None}


class MethodCurves(NamedTuple):
    """What is known of a method so far.

    Attributes:
        off: Without matching.
        on: With it; None for a method that cannot match.
        shift_scores: Severity to how far the images lie from those of the training.
        no_spread: Whether it was found that the checkpoint keeps too few different references to measure that.
    """

    off: ScoredCurve
    on: ScoredCurve | None
    shift_scores: dict[int, float]
    no_spread: bool = False

    @property
    def lines(self) -> list[ScoredCurve]:
        """Those that there are."""
        return [self.off] if self.on is None else [self.off, self.on]


def corruption_of(view: View) -> str:
    """The corruption that the page is about."""
    return parse_shift(split_domain(view.shifted)[1])[0]


def severity_name(severity: int) -> str:
    """What a severity is called."""
    return f"severity {severity}" if severity else "unchanged"


def severity_domains(view: View) -> dict[int, str]:
    """The domain of each severity, the unchanged one first."""
    base, corruption = view.spec.in_distribution, corruption_of(view)
    return {UNCHANGED: base} | {step: shifted_domain(base, f"{corruption}:{step}") for step in SEVERITIES}


def known_curves(view: View, row: RequestPair) -> MethodCurves:
    """What is there for a method without computing anything."""
    off, *on = [ScoredCurve(request, known_reports(view, request)) for request in row.requests]
    domains = severity_domains(view)
    found = known_shift_scores(row.off.checkpoint, domains.values())
    return MethodCurves(
        off,
        on[0] if on else None,
        shift_scores={step: score for step, domain in domains.items() if (score := found.get(domain)) is not None},
        no_spread=None in found.values(),
    )


def known_reports(view: View, request: ScoringRequest) -> dict[int, DomainReport]:
    """The figures of each severity whose scores are there."""
    return {
        severity: measure(scores.label, scores.score)
        for severity, domain in severity_domains(view).items()
        if (scores := present_scores(request, domain)) is not None
    }


def lacks_scores(method: MethodCurves, severity: int) -> bool:
    """Whether some question of a method is not answered at a severity."""
    return any(severity not in line.reports for line in method.lines)


def lacks_shift_score(method: MethodCurves, severity: int) -> bool:
    """Whether a method could measure a severity's shift and has not."""
    can_measure = method.off.request.checkpoint.has_references and not method.no_spread
    return can_measure and severity not in method.shift_scores


def missing_severities(methods: Sequence[MethodCurves]) -> list[int]:
    """The severities at which something of some method is not known."""
    return [
        severity
        for severity in (UNCHANGED, *SEVERITIES)
        if any(lacks_scores(method, severity) or lacks_shift_score(method, severity) for method in methods)
    ]
