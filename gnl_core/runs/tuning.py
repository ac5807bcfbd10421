"""Choose scoring settings for shifted images without labels: strength, stages, references, reduction.

Each candidate is evaluated on a validation task built from the normal images that a run holds out
(`gnl_core.datasets.validation_task`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gnl_core.config import ScoringConfig, parse_scoring
from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.validation_task import SHIFTS, validation_items
from gnl_core.files.records import SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.finite import check_scores
from gnl_core.metrics.image import auroc
from gnl_core.runs.domains import HELD_OUT
from gnl_core.runs.images import list_domain
from gnl_core.runs.outputs import path_to_share
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.scoring import score_each
from gnl_core.strict_json import to_json

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MATCHED_STAGES = ("1", "1,2", "1,2,3")
REFERENCES = ((1, "mean"), (8, "mean"), (8, "nearest"))
REDUCTIONS = ("maximum", "top", "mean")
LARGEST_VALIDATION = 32  # held-out images per run; each is scored three times under every shift

Watch = Callable[[Sequence[str]], Iterable[str]]


class Candidate(NamedTuple):
    """Scoring settings and their validation AUROCs.

    Attributes:
        scoring: The scoring settings.
        aurocs: Validation AUROC under each shift, averaged over the runs.
    """

    scoring: ScoringConfig
    aurocs: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean over the shifts, including the unchanged images; this is maximised."""
        return float(np.mean(list(self.aurocs.values())))


class Tuning(NamedTuple):
    """The result of a tuning.

    Attributes:
        candidates: All scoring settings that were tried.
        n_normal: Number of held-out normal images, over all runs.
    """

    candidates: list[Candidate]
    n_normal: int

    @property
    def best(self) -> Candidate:
        """The candidate with the highest mean validation AUROC; of equal ones the first, which changes least."""
        return max(self.candidates, key=lambda candidate: candidate.mean)


def matchings() -> list[ScoringConfig]:
    """List the matching settings to try: none first, then from weak to strong."""
    combinations = product(STRENGTHS, MATCHED_STAGES, REFERENCES)
    return [parse_scoring({"style_weight": 0.0})] + [
        parse_scoring(
            {
                "style_weight": strength,
                "matched_stages": stages,
                "reference_count": count,
                "reference_choice": choice,
            }
        )
        for strength, stages, (count, choice) in combinations
    ]


def tune(runs: Sequence[Run], *, anomalies: str | None = None, seed: int = 0, watch: Watch = iter) -> Tuning:
    """Evaluate all candidates on several runs of one data set, without labels.

    Args:
        runs: Runs of methods that match and reduce a map, of any classes and seeds of one data set.
        anomalies: Expected kind of anomaly, a name in `validation.ANOMALIES`; unset: the data set's own.
        seed: Seed of shifts and synthetic anomalies.
        watch: Wraps the shifts of each run, to show progress.

    Raises:
        ValueError: If there is no run, a run holds out no images or has diverged, its method does not match and reduce
            a map, or the runs have different regions of interest.
    """
    if not runs:
        raise ValueError("there is no run to tune; pass at least one run folder written by gnl train")
    for run in runs:
        if not (run.detector.matches and run.detector.reduces_map):
            raise ValueError(f"{run.config.detector} does not match and reduce a map; tune runs of rd4ad or gnl")
    if len({run.config.region_of_interest for run in runs}) > 1:
        raise ValueError("the runs have different regions of interest; tune runs that share one")
    by_run = [list(evaluate_run(run, anomalies=anomalies, seed=seed, watch=watch)) for run in runs]
    candidates = [
        Candidate(same[0].scoring, {shift: float(np.mean([one.aurocs[shift] for one in same])) for shift in SHIFTS})
        for same in zip(*by_run, strict=True)
    ]
    return Tuning(candidates, n_normal=sum(len(held_out_images(run)) for run in runs))


def evaluate_run(run: Run, *, anomalies: str | None, seed: int, watch: Watch) -> Iterator[Candidate]:
    """Evaluate all candidates on one run, in one pass over the validation images of each shift."""
    expected = anomalies or find_dataset(run.config.dataset, run.config.data_root).anomalies
    batches = {
        shift: scoring_batches(
            validation_items(held_out_images(run), anomalies=expected, shift=shift, seed=seed),
            run.config,
            cache_mb=run.config.image_cache_mb,
        )
        for shift in SHIFTS
    }
    scorings = with_reductions(matchings(), region=run.config.region_of_interest)
    aurocs: list[dict[str, float]] = [{} for _ in scorings]
    for shift in watch(tuple(SHIFTS)):
        for by_shift, value in zip(aurocs, score_aurocs(run, batches[shift], scorings), strict=True):
            by_shift[shift] = value
    for scoring, by_shift in zip(scorings, aurocs, strict=True):
        yield Candidate(scoring, by_shift)


def with_reductions(matchings: Sequence[ScoringConfig], *, region: str) -> list[ScoringConfig]:
    """Combine matching settings with all reductions of the map, within a region of interest."""
    return [
        parse_scoring(matching.model_dump() | {"reduction": reduction, "region_of_interest": region})
        for matching in matchings
        for reduction in REDUCTIONS
    ]


def score_aurocs(run: Run, batches: Batches, scorings: Sequence[ScoringConfig]) -> list[float]:
    """Return the AUROC under each of several scoring settings, for normal and anomalous images.

    Raises:
        DivergedError: If a score is not finite.
    """
    scored = score_each(run.detector, batches, scorings)
    for scores in scored:
        check_scores(scores.score, source=f"the {run.config.detector} run of seed {run.config.seed}")
    aurocs = [auroc(scores.label, scores.score) for scores in scored]
    return [value for value in aurocs if value is not None]


def held_out_images(run: Run) -> list[Item]:
    """Return the normal images for validation: the first of those that the run holds out, drawn by its seed.

    Raises:
        ValueError: If it holds out none.
    """
    return list_domain(run.config, HELD_OUT)[:LARGEST_VALIDATION]


class SavedPreset(SavedRecord):
    """What is read of a preset."""

    scoring: dict[str, Any]


def write_preset(path: Path, chosen: Candidate, *, runs: Sequence[Path], n_normal: int) -> None:
    """Write chosen scoring settings, their validation AUROCs and runs, creating the file's folder if needed."""
    content = {
        "scoring": chosen.scoring.model_dump(),
        "validation_auroc": chosen.aurocs,
        "runs": [path_to_share(run) for run in runs],
        "n_normal": n_normal,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, to_json(content, indent=2).encode())


def preset_settings(path: Path | None) -> dict[str, Any]:
    """Return the scoring settings that a preset replaces; none without a preset.

    A region of interest is not among them: it belongs to a camera's view, and is the run's own.
    """
    return {} if path is None else read_preset(path).model_dump(exclude={"region_of_interest"})


def read_preset(path: Path) -> ScoringConfig:
    """Read the scoring settings written by `write_preset`.

    Raises:
        ValueError: If the file is missing or not a preset.
    """
    remedy = "pass a file written by gnl tune --output"
    try:
        preset = read_record(path, SavedPreset, remedy=remedy)
    except FileNotFoundError:
        raise ValueError(f"there is no preset {path}; {remedy}") from None
    return parse_scoring(preset.scoring)
