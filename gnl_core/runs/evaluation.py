"""Build the report of a trained run, for `gnl score` and `gnl_core.score`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gnl_core.config import ScoringConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.overview import Overview, look_over
from gnl_core.datasets.shifts import split_domain
from gnl_core.metrics.image import report
from gnl_core.records import PixelReport, RecalibratedThreshold, Report, Scores, Threshold
from gnl_core.runs.domains import HELD_OUT
from gnl_core.runs.scoring import Run, load_domain, measure_domain_shift
from gnl_core.scoring import collect_scores, detect, explain_missing_shift, join_scores


def report_run(
    run: Run,
    scored: Mapping[str, tuple[Scores, PixelReport]],
    *,
    threshold: Threshold | RecalibratedThreshold | None,
    overview: Overview | None,
) -> Report:
    """Compute the metrics of a run's scores and the shift score of each domain.

    Args:
        run: The run that produced the scores.
        scored: Domain name to its scores and the metrics of its anomaly maps.
        threshold: The threshold behind F1, false alarms and misses; None without one.
        overview: Overview of the data set, for the number of test images that equal a training image; None if unknown.
    """
    measured = report(
        join_scores([scores for scores, _ in scored.values()]),
        in_distribution=find_dataset(run.config.dataset, run.config.data_root).in_distribution,
        threshold=threshold,
        pixels={domain: pixels for domain, (_, pixels) in scored.items()},
        shift_scores={domain: measure_domain_shift(run, domain) for domain in scored},
    )._replace(no_shift_score=explain_missing_shift(run.detector))
    return add_equal_images(measured, overview)


def add_equal_images(measured: Report, overview: Overview | None) -> Report:
    """Add to a report the number of images per domain that equal a training image."""
    equal = {} if overview is None else overview.equal
    domains = {
        name: domain._replace(n_equal_to_training=equal.get(split_domain(name)[0]))
        for name, domain in measured.domains.items()
    }
    return measured._replace(domains=domains)


def find_overview(run: Run) -> Overview | None:
    """Return the overview of a run's data set, or None if its training images are missing."""
    config = run.config
    try:
        return look_over(config.dataset, normal_class=config.normal_class, root=config.data_root, split=config.split)
    except ValueError:  # a run can be scored on a machine without them
        return None


def score_held_out(run: Run, scoring: ScoringConfig, *, explain: Callable[[str], object]) -> Scores | None:
    """Score the normal training images held out for the threshold.

    Args:
        run: The run.
        scoring: How to score them.
        explain: Called with the reason, in one sentence, if there are none; the result is then None.
    """
    try:
        batches = load_domain(run, HELD_OUT)
    except ValueError as error:  # none are held out, or the training images are missing here
        explain(f"no threshold: {error}")
        return None
    return collect_scores(detect(run.detector, batches, scoring))
