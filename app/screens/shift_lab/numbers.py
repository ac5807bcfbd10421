"""The known results of the methods at each severity of a corruption: saved on disk or already computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from app.adaptation import present_adapted
from app.controls.view import View
from app.image_scoring import RequestPair
from app.scoring import ScoringRequest, measure, present_scores
from app.shift_scores import known_shift_scores
from gnl_core.adaptation.choice import Ways
from gnl_core.datasets.corruptions import SEVERITIES, parse_shift
from gnl_core.datasets.shifts import shifted_domain, split_domain
from gnl_core.records import DomainReport
from gnl_core.runs.adapted_scores import TrayChoice, without_tray

UNCHANGED = 0  # severity of the unchanged images


class ScoredCurve(NamedTuple):
    """A scoring request and its reports so far.

    Attributes:
        request: The scoring request.
        reports: Severity to the metrics of the images under it.
        choice: Which images the method is adapted to at each severity; None if it is not.
        ways: Severity to how it is adapted; empty if it is not.
    """

    request: ScoringRequest
    reports: dict[int, DomainReport]
    choice: TrayChoice | None = None
    ways: Mapping[int, Ways] = MappingProxyType({})

    @property
    def title(self) -> str:
        """The method's name, with the strength of matching if it is on, or as adapted."""
        return f"{self.request.title}, adapted" if self.choice else self.request.title

    @property
    def aurocs(self) -> dict[int, float]:
        """Severity to AUROC, without severities that have none."""
        return {severity: report.auroc for severity, report in self.reports.items() if report.auroc is not None}


class MethodCurves(NamedTuple):
    """The known results of a method.

    Attributes:
        off: Without matching.
        on: With it, or adapted instead; None for a method that cannot match.
        shift_scores: Severity to the shift score of the images.
        no_spread: Whether the checkpoint is known to store too few different references to measure it.
    """

    off: ScoredCurve
    on: ScoredCurve | None
    shift_scores: dict[int, float]
    no_spread: bool = False

    @property
    def lines(self) -> list[ScoredCurve]:
        """The existing curves."""
        return [self.off] if self.on is None else [self.off, self.on]


def corruption_of(view: View) -> str:
    """Return the view's corruption."""
    return parse_shift(split_domain(view.shifted)[1])[0]


def severity_name(severity: int) -> str:
    """Return the display name of a severity."""
    return f"severity {severity}" if severity else "unchanged"


def severity_domains(view: View) -> dict[int, str]:
    """Map each severity to its domain, the unchanged one first."""
    base, corruption = view.spec.in_distribution, corruption_of(view)
    return {UNCHANGED: base} | {step: shifted_domain(base, f"{corruption}:{step}") for step in SEVERITIES}


def known_curves(view: View, row: RequestPair, choice: TrayChoice | None = None) -> MethodCurves:
    """Collect a method's results without computing scores.

    Args:
        view: The page's view.
        row: The method's requests.
        choice: Which images to adapt to at each severity, instead of matching; None to take each as it is.
    """
    domains = severity_domains(view)
    known = known_shift_scores(row.off.checkpoint, domains.values())
    off, on = matched_curves(view, row) if choice is None else adapted_curves(view, row.off, choice)
    return MethodCurves(
        off,
        on,
        shift_scores={step: score for step, domain in domains.items() if (score := known.get(domain)) is not None},
        no_spread=None in known.values(),
    )


def matched_curves(view: View, row: RequestPair) -> tuple[ScoredCurve, ScoredCurve | None]:
    """Collect a method's results without and with matching."""
    off, *on = [ScoredCurve(request, known_reports(view, request)) for request in row.requests]
    return off, on[0] if on else None


def known_reports(view: View, request: ScoringRequest) -> dict[int, DomainReport]:
    """Report the metrics of each severity that is scored."""
    return {
        severity: measure(scores.label, scores.score)
        for severity, domain in severity_domains(view).items()
        if (scores := present_scores(request, domain)) is not None
    }


def adapted_curves(view: View, request: ScoringRequest, choice: TrayChoice) -> tuple[ScoredCurve, ScoredCurve]:
    """Collect a method's results without and with adapting, on the same images; with adapting, as far as known.

    The images of each severity are adapted to separately.
    """
    reports, adapted, ways = known_reports(view, request), {}, {}
    for severity, domain in severity_domains(view).items():
        every = present_scores(request, domain)
        found = None if every is None else present_adapted(request, choice, like=every, shifted=domain)
        if every is None or found is None:
            continue
        rows = without_tray(every, found)
        reports[severity] = measure(every.label[rows], every.score[rows])
        adapted[severity] = measure(every.label[rows], found.score)
        ways[severity] = found.ways
    return ScoredCurve(request, reports), ScoredCurve(request, adapted, choice, ways)


def lacks_scores(method: MethodCurves, severity: int) -> bool:
    """Return whether any of a method's curves lacks a severity."""
    return any(severity not in line.reports for line in method.lines)


def lacks_shift_score(method: MethodCurves, severity: int) -> bool:
    """Return whether a method can measure the shift of a severity but has not yet."""
    can_measure = method.off.request.checkpoint.has_references and not method.no_spread
    return can_measure and severity not in method.shift_scores


def missing_severities(methods: Sequence[MethodCurves]) -> list[int]:
    """List the severities at which any method lacks scores or a shift score."""
    return [
        severity
        for severity in (UNCHANGED, *SEVERITIES)
        if any(lacks_scores(method, severity) or lacks_shift_score(method, severity) for method in methods)
    ]
