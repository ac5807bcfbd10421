"""Read the scores behind a comparison from the run folders next to its files."""

from __future__ import annotations

from pathlib import Path

from gnl_core.comparison.records import Comparison, Method
from gnl_core.config import scoring_settings
from gnl_core.records import Scores
from gnl_core.runs.discovery import cell_folder
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import Columns, select_scores


def run_of(comparison: Comparison, output: Path, detector: str, *, normal_class: str) -> RunFolder:
    """Return the folder of a method's run with the first seed, which need not exist.

    Args:
        comparison: A comparison written to this folder.
        output: The folder of the comparison.
        detector: One of its methods.
        normal_class: One of its classes.
    """
    own = {"detector": detector, "normal_class": normal_class, "seed": comparison.seeds[0]}
    return cell_folder(output, comparison.config.model_copy(update=own))


def select_method_scores(comparison: Comparison, rows: Columns, method: Method) -> dict[str, Scores]:
    """Select the scores of one run of a comparison per domain; domains without scores are left out.

    Args:
        comparison: The comparison.
        rows: All saved scores of the method's run.
        method: The method and its strength.
    """
    scoring = scoring_settings(comparison.config, style_weight=method.style_weight or 0.0)
    by_domain = {domain: select_scores(rows, domain=domain, scoring=scoring) for domain in comparison.domains}
    return {domain: scores for domain, scores in by_domain.items() if scores is not None}
