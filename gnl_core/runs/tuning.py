"""How trained detectors should look at shifted images, chosen without labels: strength, stages, references, reduction.

Each way of looking is judged on a validation task that is made of the normal images a run held out
(`gnl_core.datasets.validation`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gnl_core.config import ScoringConfig, parse_scoring
from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.validation import SHIFTS, validation_items
from gnl_core.files import write_atomically
from gnl_core.finite import check_scores
from gnl_core.metrics.image import auroc
from gnl_core.runs.domains import HELD_OUT
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.scoring import score_each
from gnl_core.strict_json import from_json, to_json

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MATCHED_STAGES = ("1", "1,2", "1,2,3")
REFERENCES = ((1, "mean"), (8, "mean"), (8, "nearest"))
REDUCTIONS = ("maximum", "top", "mean")
LARGEST_VALIDATION = 32  # held-out images a run; each is scored three times under every shift

Watch = Callable[[Sequence[str]], Iterable[str]]


class Judged(NamedTuple):
    """A way of looking, and how it fared.

    Attributes:
        scoring: The way of looking.
        aurocs: Validation AUROC under each shift, the mean over the runs.
    """

    scoring: ScoringConfig
    aurocs: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean over the shifts, the unchanged images among them: what is maximised."""
        return float(np.mean(list(self.aurocs.values())))


class Tuning(NamedTuple):
    """What a tuning found.

    Attributes:
        judged: Every way of looking that was tried.
        n_normal: Held-out normal images that were looked at, over all runs.
    """

    judged: list[Judged]
    n_normal: int

    @property
    def best(self) -> Judged:
        """The way of looking with the highest mean validation AUROC; of equal ones the first, which changes least."""
        return max(self.judged, key=lambda one: one.mean)


def matchings() -> list[ScoringConfig]:
    """All ways of matching that are tried: first none, then weak before strong."""
    tried = product(STRENGTHS, MATCHED_STAGES, REFERENCES)
    return [parse_scoring({"style_weight": 0.0})] + [
        parse_scoring(
            {
                "style_weight": strength,
                "matched_stages": stages,
                "reference_count": count,
                "reference_choice": choice,
            }
        )
        for strength, stages, (count, choice) in tried
    ]


def tune(runs: Sequence[Run], *, anomalies: str | None = None, seed: int = 0, watch: Watch = iter) -> Tuning:
    """Judge all ways of looking on several runs on one data set, without any label.

    Args:
        runs: Runs of methods that match and reduce a map; other classes and seeds of one data set.
        anomalies: What kind of anomaly is expected, a name in `validation.ANOMALIES`; unset: the data set's own.
        seed: Decides shifts and synthetic anomalies.
        watch: Wraps the shifts of each run while all ways are judged under them, to show progress.

    Raises:
        ValueError: If there is no run, one held out no images or has diverged, or its method has no map to match and
            reduce.
    """
    if not runs:
        raise ValueError("there is no run to tune; pass the folder of one that gnl train made")
    for run in runs:
        if not (run.detector.matches and run.detector.reduces_map):
            raise ValueError(f"{run.config.detector} does not match and reduce a map; tune runs of rd4ad or gnl")
    by_run = [list(judge_run(run, anomalies=anomalies, seed=seed, watch=watch)) for run in runs]
    judged = [
        Judged(same[0].scoring, {shift: float(np.mean([one.aurocs[shift] for one in same])) for shift in SHIFTS})
        for same in zip(*by_run, strict=True)
    ]
    return Tuning(judged, n_normal=sum(len(held_out_images(run)) for run in runs))


def judge_run(run: Run, *, anomalies: str | None, seed: int, watch: Watch) -> Iterator[Judged]:
    """Judge all ways of looking on one run: one pass over the validation images of each shift."""
    expected = anomalies or find_dataset(run.config.dataset, run.config.data_root).anomalies
    batches = {
        shift: scoring_batches(
            validation_items(held_out_images(run), anomalies=expected, shift=shift, seed=seed),
            run.config,
            cache_mb=run.config.image_cache_mb,
        )
        for shift in SHIFTS
    }
    scorings = with_reductions(matchings())
    aurocs: list[dict[str, float]] = [{} for _ in scorings]
    for shift in watch(tuple(SHIFTS)):
        for found, value in zip(aurocs, score_aurocs(run, batches[shift], scorings), strict=True):
            found[shift] = value
    for scoring, found in zip(scorings, aurocs, strict=True):
        yield Judged(scoring, found)


def with_reductions(matchings: Sequence[ScoringConfig]) -> list[ScoringConfig]:
    """Each way of matching under each reduction of its map."""
    return [
        parse_scoring(matching.model_dump() | {"reduction": reduction})
        for matching in matchings
        for reduction in REDUCTIONS
    ]


def score_aurocs(run: Run, batches: Batches, scorings: Sequence[ScoringConfig]) -> list[float]:
    """AUROC under each question, of images some of which are normal and some not.

    Raises:
        DivergedError: If a score is not finite.
    """
    answers = score_each(run.detector, batches, scorings)
    for rows in answers:
        check_scores(rows.score, source=f"the {run.config.detector} run of seed {run.config.seed}")
    found = [auroc(rows.label, rows.score) for rows in answers]
    return [value for value in found if value is not None]


def held_out_images(run: Run) -> list[Item]:
    """The normal images that a run is judged on: the first of those it held out, which its seed has drawn.

    Raises:
        ValueError: If it held out none.
    """
    return list_domain(run.config, HELD_OUT)[:LARGEST_VALIDATION]


def write_preset(path: Path, chosen: Judged, *, runs: Sequence[Path], n_normal: int) -> None:
    """Write a way of looking to a file, with how it was chosen."""
    content = {
        "scoring": chosen.scoring.model_dump(),
        "validation_auroc": chosen.aurocs,
        "runs": [str(run) for run in runs],
        "n_normal": n_normal,
    }
    write_atomically(path, to_json(content, indent=2).encode())


def read_preset(path: Path) -> ScoringConfig:
    """Read the way of looking that `write_preset` wrote.

    Raises:
        ValueError: If the file is missing or holds none.
    """
    try:
        scoring = from_json(path.read_text(encoding="utf-8"))["scoring"]
        return parse_scoring(scoring)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is no preset; pass a file that gnl tune --output wrote") from None
