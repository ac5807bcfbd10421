"""Collect what a page shows: saved scores where there are some, and what is missing computed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import Item
from gnl_core.datasets.drawing import draw_per_label
from gnl_core.datasets.fitting import image_as_seen
from gnl_core.engines import engine_of
from gnl_core.finite import check_scores
from gnl_core.metrics.threshold import threshold_at
from gnl_core.names import (
    DATASET_NAMES,
    DETECTOR_NAMES,
    TEACHER_NAMES,
    describe_engines,
    domain_name,
    name_of,
    task_name,
)
from gnl_core.page.records import AdaptedPart, DomainPart, MapSprite, MethodPart, View
from gnl_core.page.sprites import image_sprite, map_colours, map_sprite
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import Entry, read_adapted
from gnl_core.runs.domains import HELD_OUT, TRAIN
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.outputs import path_to_share
from gnl_core.runs.scores import Columns, read_saved_scores, select_engines, select_scores
from gnl_core.runs.scoring import Run, map_scale, resolve_scoring, score_domain, scoring_batches
from gnl_core.scoring import detect_each, score_rows

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
DECIMALS = 5  # of scores in the file
DRAW_SEED = 0
MOST_IMAGES = 4000  # per domain: more would make the file larger than a mail


class LoadedRun(NamedTuple):
    """A run with its folder and the scores saved there, if there are any."""

    folder: RunFolder
    run: Run
    saved: Columns | None

    def scores(self, domain: str, scoring: ScoringConfig) -> Scores | None:
        """Look up the saved scores of a domain."""
        return None if self.saved is None else select_scores(self.saved, domain=domain, scoring=scoring)


def with_scores(folder: RunFolder, run: Run) -> LoadedRun:
    """Join a run with the scores that its folder holds of the same checkpoint."""
    return LoadedRun(folder, run, read_saved_scores(folder, run.sha256))


def collect_view(
    loaded: Sequence[LoadedRun],
    *,
    domains: Sequence[str] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    most: int | None = None,
    explain: Callable[[str], None] = lambda _: None,
) -> View:
    """Collect the scores, images and maps of runs on one data set and class.

    Args:
        loaded: The runs, one per method.
        domains: The shifted domains; None for all of the data set.
        strengths: Strengths of matching, weakest first; a method that cannot match has only the first.
        most: Largest number of images of each label that are drawn from a domain; None for all images.
        explain: Called with a line before each long computation.

    Raises:
        ValueError: If the runs are of different data sets or classes, or resize images differently, an image cannot be
            read, a score is not finite, or a domain has too many images; the message says why.
    """
    first = loaded[0].run.config
    for other in loaded[1:]:
        if (other.run.config.dataset, other.run.config.normal_class) != (first.dataset, first.normal_class):
            raise ValueError("a page shows runs of one data set and normal class; give others a page of their own")
        if other.run.config.resize != first.resize:
            raise ValueError(
                f"a page shows each image once, and these runs see it with --resize {first.resize} and "
                f"{other.run.config.resize}; give the others a page of their own"
            )
    spec = find_dataset(first.dataset, first.data_root)
    shown = list(dict.fromkeys([spec.in_distribution, *(spec.domains if domains is None else domains)]))
    items = {domain: list_shown(loaded[0].run, domain, most=most) for domain in shown}
    return View(
        title=name_of(DATASET_NAMES, first.dataset),
        task=task_name(first.dataset, first.normal_class),
        domains=[describe_domain(domain, images, first) for domain, images in items.items()],
        methods=[collect_method(one, items, strengths=strengths, most=most, explain=explain) for one in loaded],
        colours=map_colours(),
    )


def list_shown(run: Run, domain: str, *, most: int | None) -> list[Item]:
    """List a domain's images, or draw some of each label; refuse more than a page holds."""
    items = list_domain(run.config, domain)
    if most is not None:
        labels = np.array([item.label for item in items])
        return [items[position] for position in draw_per_label(labels, count=most, seed=DRAW_SEED)]
    if len(items) > MOST_IMAGES:
        raise ValueError(
            f"{domain} has {len(items):,} images, and a page holds at most {MOST_IMAGES:,} per domain; name other "
            "domains, or use the app"
        )
    return items


def describe_domain(domain: str, items: Sequence[Item], config: RunConfig) -> DomainPart:
    """Read a domain's images as tiles, as the detectors see them."""
    return DomainPart(
        name=domain,
        title=domain_name(domain),
        labels=[item.label for item in items],
        names=[item.path for item in items],
        pictures=image_sprite([image_as_seen(item.read(), config) for item in items]),
    )


def collect_method(
    loaded: LoadedRun,
    items: Mapping[str, Sequence[Item]],
    *,
    strengths: Sequence[float],
    most: int | None,
    explain: Callable[[str], None],
) -> MethodPart:
    """Collect the scores and maps of one run."""
    folder, run, _ = loaded
    plain = resolve_scoring(run, style_weight=0.0)
    usable = strengths if run.detector.matches else strengths[:1]
    scorings = [plain.model_copy(update={"style_weight": strength}) for strength in usable]
    scores, maps = {}, {}
    for domain, images in items.items():
        explain(f"{folder.path.name}: {domain}, {len(images)} images")
        scores[domain], maps[domain] = score_and_map(loaded, domain, images, scorings)
    command = ["gnl", "score", path_to_share(folder.path), "--domain", *items, "--style-weight", "0"]
    return MethodPart(
        name=name_of(DETECTOR_NAMES, run.config.detector),
        strengths=[scoring.style_weight or 0.0 for scoring in scorings],
        thresholds=[round(threshold_of(loaded, scoring), DECIMALS) for scoring in scorings],
        scores=scores,
        adapted={domain: read_adapted_parts(loaded, plain, domain, images) for domain, images in items.items()},
        maps={domain: found for domain, found in maps.items() if found},
        map_scale=map_scale(run, plain) if all(maps.values()) else None,
        origin=describe_origin(run, most=most, engines=engines_behind(loaded, items, scorings)),
        command=shlex.join(command),
    )


def describe_origin(run: Run, *, most: int | None, engines: Iterable[str]) -> str:
    """Describe the run behind the numbers, what computed its teacher if not PyTorch, and which images were drawn."""
    drawn = "" if most is None else f"; up to {most} images of each label and domain, drawn with seed {DRAW_SEED}"
    config, engine = run.config, describe_engines(engines)
    parts = [f"seed {config.seed}", name_of(TEACHER_NAMES, config.teacher), f"{config.epochs} epochs", engine]
    return f"{', '.join(filter(None, parts))}{drawn}"


def engines_behind(loaded: LoadedRun, domains: Iterable[str], scorings: Sequence[ScoringConfig]) -> set[str]:
    """Return the engines of the saved scores, as far as known, and of what is computed now."""
    saved = [
        select_engines(loaded.saved, domain=domain, scoring=scoring)
        for domain in domains
        for scoring in scorings
        if loaded.saved is not None
    ]
    return {engine_of(loaded.run.detector)}.union(*saved)


def score_and_map(
    loaded: LoadedRun, domain: str, items: Sequence[Item], scorings: Sequence[ScoringConfig]
) -> tuple[list[list[float]], list[MapSprite]]:
    """Return the scores of a domain under each of the settings, and its maps under the first and the last of them."""
    found = {scoring: loaded.scores(domain, scoring) for scoring in scorings}
    known = {scoring: pick_scores(scores, items) for scoring, scores in found.items() if scores is not None}
    saved = {scoring: scores for scoring, scores in known.items() if scores is not None}
    mapped = list(dict.fromkeys([scorings[0], scorings[-1]]))
    computed = list(dict.fromkeys([*mapped, *(scoring for scoring in scorings if scoring not in saved)]))
    rows: dict[ScoringConfig, list[Scores]] = {scoring: [] for scoring in computed}
    maps: dict[ScoringConfig, list[NDArray[np.float32]]] = {scoring: [] for scoring in mapped}
    for batch, detections in detect_each(loaded.run.detector, scoring_batches(items, loaded.run.config), computed):
        for scoring, detection in zip(computed, detections, strict=True):
            rows[scoring].append(score_rows(batch, detection))
            if scoring in maps and detection.anomaly_map is not None:
                maps[scoring].append(detection.anomaly_map[:, 0].float().numpy())
    every = {scoring: np.concatenate([part.score for part in parts]) for scoring, parts in rows.items()} | saved
    for scores in every.values():
        check_scores(scores, source=loaded.folder.path.name)
    sprites = [map_sprite(np.concatenate(parts)) for parts in maps.values() if parts]
    return [to_list(every[scoring]) for scoring in scorings], sprites


def pick_scores(scores: Scores, items: Sequence[Item]) -> NDArray[np.float64] | None:
    """Return the saved scores of images, in their order; None if one has no score."""
    rows = {path: row for row, path in enumerate(scores.path)}
    if any(item.path not in rows for item in items):
        return None
    return scores.score[[rows[item.path] for item in items]]


def to_list(scores: Iterable[float]) -> list[float]:
    """Round scores for the file."""
    return [round(float(score), DECIMALS) for score in scores]


def threshold_of(loaded: LoadedRun, scoring: ScoringConfig) -> float:
    """Return the threshold under given settings, from the held-out images, or else from those learnt from."""
    run = loaded.run
    domain = HELD_OUT if run.config.holdout_percent and list_domain(run.config, HELD_OUT) else TRAIN
    scores = loaded.scores(domain, scoring) or score_domain(run, domain, scoring)
    return threshold_at(scores.score, quantile=run.config.threshold_quantile)


def read_adapted_parts(
    loaded: LoadedRun, scoring: ScoringConfig, domain: str, items: Sequence[Item]
) -> list[AdaptedPart]:
    """Return the adaptations to a domain that are saved with a run."""
    places = {item.path: index for index, item in enumerate(items)}
    return [
        to_part(entry, places)
        for entry in read_adapted(loaded.folder, loaded.run.sha256)
        if (entry.domain, entry.scoring) == (domain, scoring)
    ]


def to_part(entry: Entry, places: Mapping[str, int]) -> AdaptedPart:
    """Convert saved adapted scores to a part of the page, as far as it has the images."""
    adapted = entry.adapted
    scores = {places[path]: score for path, score in zip(adapted.paths, adapted.score, strict=True) if path in places}
    return AdaptedPart(
        size=entry.choice.size,
        known_normal=entry.choice.known_normal,
        ways=adapted.ways.reason,
        standardised=adapted.ways.standardise,
        threshold=round(adapted.threshold.value, DECIMALS),
        rows=list(scores),
        scores=to_list(scores.values()),
    )
