"""What the calls of the public interface return; each prints as its command does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnl_core.comparison.page import comparison_summary
from gnl_core.comparison.records import Comparison
from gnl_core.comparison.text import terminal_table
from gnl_core.config import ScoringConfig
from gnl_core.metrics.table import format_report, html_report
from gnl_core.records import RecalibratedThreshold, Scores
from gnl_core.records import Report as ReportRecord
from gnl_core.runs.adaptation_text import format_adaptation
from gnl_core.runs.adaptations import SavedAdaptation

Watch = Callable[[Iterable[Any]], Iterable[Any]]


class Report(ReportRecord):
    """The metrics of each domain and the threshold (`gnl_core.records.Report`), printed as a table."""

    def __repr__(self) -> str:
        """Return the table of `gnl score`."""
        return format_report(self)

    def _repr_html_(self) -> str:
        """Return the same table as HTML for a notebook."""
        return html_report(self)


@dataclass(frozen=True, repr=False)
class ScoringResult:
    """Scores of one or more domains, and their metrics; prints as the report.

    Attributes:
        scores: One row per image, of all domains; `pandas.DataFrame(vars(result.scores))` makes a table of them.
        report: The metrics of each domain.
        scoring: The settings that the images were scored with.
        in_distribution: Name of the domain that the training images come from.
    """

    scores: Scores
    report: Report
    scoring: ScoringConfig
    in_distribution: str

    def __repr__(self) -> str:
        """Return the report as a table."""
        return repr(self.report)

    def _repr_html_(self) -> str:
        """Return the report as an HTML table for a notebook."""
        return html_report(self.report)


@dataclass(frozen=True, repr=False)
class ComparisonResult:
    """A comparison of methods; prints as its table of means.

    Attributes:
        comparison: Every number, by method, strength of matching and domain.
        files: The files that were written: the tables as Markdown, CSV, JSON and HTML.
    """

    comparison: Comparison
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        """Return the table of `gnl compare`."""
        return terminal_table(self.comparison)

    def _repr_html_(self) -> str:
        """Return the means as an HTML table for a notebook."""
        return comparison_summary(self.comparison)


@dataclass(frozen=True, repr=False)
class AdaptationResult:
    """A run's adaptation to a new domain, for `score`; prints what the images showed and what was chosen.

    Attributes:
        saved: The adaptation and its metadata (`gnl_core.runs.adaptations.SavedAdaptation`), what a file holds.
    """

    saved: SavedAdaptation

    def __repr__(self) -> str:
        """Return the text of `gnl adapt`."""
        return format_adaptation(self.saved.record)

    @property
    def threshold(self) -> RecalibratedThreshold:
        """The threshold of adapted scores, with what it promises or assumes."""
        return self.saved.record.threshold
