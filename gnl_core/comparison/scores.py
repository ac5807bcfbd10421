"""The scores behind a comparison's numbers, from the run folders that lie beside its files."""

from __future__ import annotations

from pathlib import Path

from gnl_core.comparison.records import Comparison, Method
from gnl_core.config import scoring_settings
from gnl_core.records import Scores
from gnl_core.runs.discovery import cell_folder
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import Columns, select_scores


def run_of(comparison: Comparison, output: Path, detector: str, *, normal_class: str) -> RunFolder:
    """Where the first seed's run of a method lies, if it does.

    Args:
        comparison: One that was written to this folder.
        output: The folder.
        detector: One of its methods.
        normal_class: One of its classes.
    """
    own = {"detector": detector, "normal_class": normal_class, "seed": comparison.seeds[0]}
    return cell_folder(output, comparison.config.model_copy(update=own))


def select_method_scores(comparison: Comparison, rows: Columns, method: Method) -> dict[str, Scores]:
    """What one of a comparison's runs gave for each domain at a strength; domains without scores are left out.

    Args:
        comparison: The comparison.
        rows: All saved scores of the method's run.
        method: The method and its strength.
    """
    asked = scoring_settings(comparison.config, style_weight=method.style_weight or 0.0)
    found = {domain: select_scores(rows, domain=domain, scoring=asked) for domain in comparison.domains}
    return {domain: scores for domain, scores in found.items() if scores is not None}
