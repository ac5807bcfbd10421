"""A method's score histograms, in-distribution beside shifted, as pages draw them alike."""

from __future__ import annotations

from app.scoring import DomainResult, ScoringResult
from app.words import interval, percent
from gnl_core.plots.histograms import Panel, shared_edges, tallest_share
from gnl_core.plots.scrubber import Axes, HistogramPair
from gnl_core.records import Scores

COLOURS = ":blue[■] normal  :orange[■] anomalous"


def draw_row(found: ScoringResult, titles: tuple[str, str]) -> HistogramPair:
    """One method's pair of histograms."""
    return HistogramPair(
        (
            panel(found.in_distribution, shifted=False, title=titles[0]),
            panel(found.shifted, shifted=True, title=titles[1]),
        ),
        found.threshold,
    )


def shared_axes(scores: list[Scores]) -> Axes:
    """Axes on which several sets of scores can be compared."""
    edges = shared_edges(scores)
    return Axes(edges, tallest_share(scores, edges))


def panel(found: DomainResult, *, shifted: bool, title: str) -> Panel:
    """A histogram with its AUROC and its mistakes."""
    auroc = "" if found.report.auroc is None else f"AUROC <b>{found.report.auroc:.3f}</b>"
    bounds = f" <span style='font-size:11px'>{interval(found.report.auroc_interval)}</span>"
    note = "not labelled: no AUROC" if found.report.n_unlabelled else auroc + bounds
    return Panel(found.scores, shifted=shifted, title=title, note=note, footnote=footnote(found))


def footnote(found: DomainResult) -> str:
    """What the threshold does in a domain."""
    rates = {"false alarms": found.report.false_alarm_rate, "misses": found.report.miss_rate}
    mistakes = [f"{name} {percent(rate)}" for name, rate in rates.items() if rate is not None]
    return ", ".join(mistakes) or f"{found.above:,} of {len(found.scores.score):,} above the threshold"
