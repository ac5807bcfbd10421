"""A method's score histograms, in-distribution beside shifted."""

from __future__ import annotations

from app.scoring import DomainResult, ScoringResult
from app.words import interval, percent
from gnl_core.plots.histograms import Panel, shared_edges, tallest_share
from gnl_core.plots.scrubber import Axes, HistogramPair
from gnl_core.records import Scores

COLOURS = ":blue[■] normal  :orange[■] anomalous"


def draw_row(result: ScoringResult, titles: tuple[str, str]) -> HistogramPair:
    """Build one method's pair of histograms."""
    return HistogramPair(
        (
            panel(result.in_distribution, shifted=False, title=titles[0]),
            panel(result.shifted, shifted=True, title=titles[1]),
        ),
        (result.threshold, result.shifted_threshold),
    )


def shared_axes(scores: list[Scores]) -> Axes:
    """Choose common axes for several sets of scores."""
    edges = shared_edges(scores)
    return Axes(edges, tallest_share(scores, edges))


def panel(result: DomainResult, *, shifted: bool, title: str) -> Panel:
    """Build a histogram with its AUROC and its error rates."""
    auroc = "" if result.report.auroc is None else f"AUROC <b>{result.report.auroc:.3f}</b>"
    bounds = f" <span style='font-size:11px'>{interval(result.report.auroc_interval)}</span>"
    note = "not labelled: no AUROC" if result.report.n_unlabelled else auroc + bounds
    return Panel(result.scores, shifted=shifted, title=title, note=note, footnote=footnote(result))


def footnote(result: DomainResult) -> str:
    """Report false alarms and misses at the threshold; without labels, how many images exceed it."""
    rates = {"false alarms": result.report.false_alarm_rate, "misses": result.report.miss_rate}
    mistakes = [f"{name} {percent(rate)}" for name, rate in rates.items() if rate is not None]
    return ", ".join(mistakes) or f"{result.above:,} of {len(result.scores.score):,} above the threshold"
