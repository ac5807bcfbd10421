"""Draw the scores of a result."""

from __future__ import annotations

from html import escape
from typing import Any

from gnl_core.api.results import ScoringResult
from gnl_core.finite import check_scores
from gnl_core.metrics.table import format_metric
from gnl_core.plots.domains import domain_histograms
from gnl_core.plots.histograms import Panel
from gnl_core.records import DomainReport, Scores
from gnl_core.runs.domains import HELD_OUT, TRAIN


def show_histograms(result: ScoringResult) -> Any:
    """Draw the scores of each domain as a histogram, with the threshold as a dotted line.

    Returns:
        A Plotly figure (`plotly.graph_objects.Figure`), one row per domain; shifted domains are hatched.

    Raises:
        DivergedError: If a score is not finite.
    """
    check_scores(result.scores.score, source="there are no histograms")
    threshold = result.report.threshold
    panels = [domain_panel(result, name, measured) for name, measured in result.report.domains.items()]
    return domain_histograms(panels, threshold=None if threshold is None else threshold.value)


def domain_panel(result: ScoringResult, domain: str, measured: DomainReport) -> Panel:
    """Build the histogram of one domain, with its name and AUROC."""
    own = result.scores.domain == domain
    return Panel(
        Scores(**{name: column[own] for name, column in vars(result.scores).items()}),
        shifted=domain not in (TRAIN, HELD_OUT, result.in_distribution),
        title=domain,
        note=f"<b>{escape(domain)}</b>",
        footnote=f"AUROC {format_metric(measured.auroc)}",
    )
