"""Adapt a run to a new domain, and read an adaptation."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from gnl_core.api.results import AdaptationResult
from gnl_core.config import parse_scoring
from gnl_core.config.validation import check
from gnl_core.runs.adaptations import SavedAdaptation, check_checkpoint, load_adaptation, save_adaptation
from gnl_core.runs.adapting import AdaptSettings, adapt_run, adapt_scoring, find_images
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import Run


def adapt(
    run: Run,
    images: str | Path | None = None,
    *,
    domain: str | None = None,
    output: str | Path | None = None,
    **settings: Any,
) -> AdaptationResult:
    """Adapt a run to a new domain from a few of its images, without training, as `gnl adapt` does.

    Args:
        run: A run from `load` or `train`; it stays as it is.
        images: A folder whose images are all used; pass either this or domain.
        domain: A domain of the run's data set from which images are drawn, named as in `images`.
        output: File to write, for `score` and `gnl score --adaptation`; unset: nothing is written.
        settings: Fields of `AdaptSettings`, such as count, normal, way and false_alarm_rate, and of `ScoringConfig`.
            Unset scoring settings are the run's own, but style_weight is 0.

    Raises:
        ValueError: If a setting is invalid, there are not enough images, or the method cannot be adapted in this way.
    """
    own = {name: settings.pop(name) for name in list(settings) if name in AdaptSettings.model_fields}
    checked, given = check(AdaptSettings, own), parse_scoring(settings)
    scoring = adapt_scoring(run, {name: getattr(given, name) for name in settings})
    if output is not None:
        check_output_file(Path(output), run.config.data_root, what="output")
    folder = None if images is None else Path(images)
    found = find_images(run, folder=folder, domain=domain, settings=checked, explain=warnings.warn)
    saved = adapt_run(run, found, scoring=scoring, settings=checked, explain=warnings.warn)
    if output is not None:
        save_adaptation(Path(output), saved)
    return AdaptationResult(saved)


def saved_adaptation(run: Run, adaptation: AdaptationResult | str | Path) -> SavedAdaptation:
    """Return an adaptation, from `adapt` or from its file.

    Raises:
        ValueError: If it is of another run, or the file cannot be read.
    """
    if not isinstance(adaptation, AdaptationResult):
        return load_adaptation(Path(adaptation), run)
    check_checkpoint(adaptation.saved.record, run, name="the adaptation")
    return adaptation.saved
