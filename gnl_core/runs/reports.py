"""Read and write the report of a run's last scoring."""

from __future__ import annotations

from gnl_core.config import ScoringConfig
from gnl_core.config.values import EngineName
from gnl_core.files import hash_file
from gnl_core.files.records import FiniteOrNone, SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.records import Report
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import current_checkpoint
from gnl_core.strict_json import to_json


class SavedDomain(SavedRecord):
    """What is read again of a domain's metrics."""

    shift_score: FiniteOrNone = None


class SavedReport(SavedRecord):
    """What is read again of a report."""

    checkpoint: str
    domains: dict[str, SavedDomain]
    no_shift_score: str | None = None


def write_report(
    folder: RunFolder,
    report: Report,
    scoring: ScoringConfig,
    *,
    checkpoint: str | None = None,
    engine: EngineName = "torch",
) -> None:
    """Write the metrics of the last scoring, with its settings, engine and checkpoint's hash, as `save_scores` does."""
    origin = {"checkpoint": current_checkpoint(folder, checkpoint), "engine": engine, **scoring.model_dump()}
    write_atomically(folder.report, to_json(origin | report_to_json(report), indent=2).encode())


def read_shift_scores(folder: RunFolder, checkpoint: str | None = None) -> dict[str, float | None]:
    """Read the shift scores of the last report if it belongs to a checkpoint; a damaged file is refused.

    Args:
        folder: The run.
        checkpoint: SHA-256 of the checkpoint; unset: the current one.

    Returns:
        Domain name to shift score; None where it cannot be measured. Domains that were not measured are absent.
    """
    try:
        report = read_record(folder.report, SavedReport, remedy="remove it, and score the run again")
    except FileNotFoundError:
        return {}
    if report.checkpoint != (checkpoint or hash_file(folder.weights)):
        return {}
    measured = {name: domain.shift_score for name, domain in report.domains.items()}
    cannot = report.no_shift_score is not None
    return {name: score for name, score in measured.items() if score is not None or cannot}


def report_to_json(report: Report) -> dict[str, object]:
    """Convert a report to plain values by field name: {"domains": {name: {"auroc": …, …}}, "drops": …, …}."""
    return {
        "domains": {name: domain._asdict() for name, domain in report.domains.items()},
        "drops": report.drops,
        "threshold": report.threshold._asdict() if report.threshold else None,
        "no_shift_score": report.no_shift_score,
    }
