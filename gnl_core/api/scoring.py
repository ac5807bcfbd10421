"""Score the domains of a run, and measure the result."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gnl_core.api.adapting import saved_adaptation
from gnl_core.api.results import AdaptationResult, Report, ScoringResult
from gnl_core.config import ScoringConfig, parse_scoring
from gnl_core.datasets import find_dataset
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import PixelReport, RecalibratedThreshold, Scores, Threshold
from gnl_core.runs.adaptations import SavedAdaptation
from gnl_core.runs.adapting import adapted_run, adapted_scoring, adapted_threshold, list_unseen
from gnl_core.runs.evaluation import find_overview, report_run, score_held_out
from gnl_core.runs.scoring import Run, load_domain, resolve_scoring, scoring_batches, settle_given
from gnl_core.scoring import collect, detect, join_scores


def score(
    run: Run,
    domain: str | Sequence[str] | None = None,
    *,
    adaptation: AdaptationResult | str | Path | None = None,
    **scoring: Any,
) -> ScoringResult:
    """Score every image of one or more domains and measure the result, as `gnl score` does; nothing is written.

    Args:
        run: A trained run.
        domain: One or more domains, named as in `images`; unset: all of the data set.
        adaptation: What `adapt` returned for this run, or its file. Its scoring settings and its threshold are used,
            and the images that it was made from are left out.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Raises:
        ValueError: If a setting or domain is invalid, an image cannot be read, or the adaptation is of another run.
    """
    spec = find_dataset(run.config.dataset, run.config.data_root)
    names = domain_names(domain, spec.domains)
    if adaptation is not None:
        return score_adapted(run, names, adaptation, scoring)
    checked = check_scoring(run, scoring)
    scored = {name: collect(detect(run.detector, load_domain(run, name), checked)) for name in names}
    held_out = score_held_out(run, checked, explain=warnings.warn)
    threshold = choose_threshold(held_out, quantile=run.config.threshold_quantile)
    return measure(run, scored, checked, threshold)


def score_adapted(
    run: Run, domains: Sequence[str], adaptation: AdaptationResult | str | Path, scoring: dict[str, Any]
) -> ScoringResult:
    """Score domains with a run that is adapted to a new domain; see `score`."""
    saved = saved_adaptation(run, adaptation)
    adapted, checked = prepare_scoring(run, saved, scoring)
    scored = {}
    for name in domains:
        batches = scoring_batches(list_unseen(run, name, saved, explain=warnings.warn), run.config)
        scored[name] = collect(detect(adapted.detector, batches, checked))
    return measure(adapted, scored, checked, adapted_threshold(saved, checked, explain=warnings.warn))


def prepare_scoring(run: Run, saved: SavedAdaptation | None, scoring: dict[str, Any]) -> tuple[Run, ScoringConfig]:
    """Return the run, adapted if there is an adaptation, and its scoring settings with overrides.

    Raises:
        ValueError: If a setting is invalid, or differs from the adaptation's and would change its maps.
    """
    if saved is None:
        return run, check_scoring(run, scoring)
    given = parse_scoring(scoring)
    settled = settle_given({name: getattr(given, name) for name in scoring}, run.config)
    return adapted_run(run, saved), adapted_scoring(saved, settled)


def measure(
    run: Run,
    scored: dict[str, tuple[Scores, PixelReport]],
    scoring: ScoringConfig,
    threshold: Threshold | RecalibratedThreshold | None,
) -> ScoringResult:
    """Measure the scores of some domains."""
    measured = report_run(run, scored, threshold=threshold, overview=find_overview(run))
    scores = join_scores([scores for scores, _ in scored.values()])
    spec = find_dataset(run.config.dataset, run.config.data_root)
    return ScoringResult(scores, Report(*measured), scoring, spec.in_distribution)


def domain_names(domain: str | Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Return the domains to score, each once.

    Raises:
        ValueError: If there is none.
    """
    chosen = known if domain is None else [domain] if isinstance(domain, str) else domain
    if not chosen:
        raise ValueError(f"domain is empty; pass one or more of: {', '.join(known)}")
    return list(dict.fromkeys(chosen))


def check_scoring(run: Run, scoring: dict[str, Any]) -> ScoringConfig:
    """Return a run's scoring settings with overrides.

    Raises:
        ValueError: If a setting is invalid.
    """
    checked = parse_scoring(scoring)
    return resolve_scoring(run, **{name: getattr(checked, name) for name in scoring})
