"""Adapt a run to a new domain, and apply a saved adaptation, for `gnl adapt`, `gnl score` and `gnl_core.api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field
from torch import Tensor

from gnl_core.adaptation.choice import Ways
from gnl_core.adaptation.recalibration import Aim
from gnl_core.adapting import AdaptationSettings, adapt
from gnl_core.adapting.detecting import detect_counted
from gnl_core.config import ScoringConfig
from gnl_core.config.flags import flag_of, flag_words
from gnl_core.config.validation import SettingsRecord
from gnl_core.datasets.base import Item
from gnl_core.detectors.base import Detector
from gnl_core.messages import shorten
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.adaptations import AdaptationRecord, Origin, SavedAdaptation, SeenImage, checkpoint_hash
from gnl_core.runs.images import list_domain
from gnl_core.runs.outputs import path_to_share
from gnl_core.runs.scoring import Run, resolve_scoring
from gnl_core.runs.tray_images import digest_item, list_tray, load_to_adapt, load_training, without_digests
from gnl_core.runs.trays import USUAL_ANOMALY_PERCENT, draw_tray

WAYS: Mapping[str, Ways] = MappingProxyType(
    {
        "none": Ways(),
        "match": Ways(match_domain=True),
        "match-fdm": Ways(match_domain=True, match_images=True),
        "standardise": Ways(standardise=True),
    }
)
STYLE_WEIGHT = 0.0  # the usual strength of FDM in adapted scores; limits of the choice were fixed without FDM
OF_A_DRAW = ("count", "seed", "anomaly_percent")
SMALLEST_SCALE = 1e-6  # of maps that are 0 everywhere
AFTER_THE_MAP = ("reduction", "top_percent")  # scoring settings that leave an anomaly map as it is
Explain = Callable[[str], object]


class FoundImages(NamedTuple):
    """Images to adapt from, ordered by their hashes, and where they come from."""

    items: list[Item]
    origin: Origin


class AdaptSettings(SettingsRecord):
    """How to adapt a run: the images that are drawn from a domain, the way, and what the threshold aims at."""

    count: int = Field(16, ge=1, description="Number of images to draw from --domain")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of that draw")
    anomaly_percent: float = Field(
        USUAL_ANOMALY_PERCENT, ge=0, lt=100, description="Share of anomalies in that draw, percent"
    )
    normal: bool = Field(
        False, description="The images are known to be normal (from --domain: draw only normal images)"
    )
    way: Literal["auto", "none", "match", "match-fdm", "standardise"] = Field(
        "auto",
        description="auto chooses by what the images show; none chooses a threshold only; match carries the teacher's "
        "features over to the training images' domain, and match-fdm also matches each image; standardise expresses "
        "anomaly maps in deviations from what is usual at each position",
    )
    false_alarm_rate: float = Field(0.05, gt=0, lt=1, description="Rate of false alarms that the threshold aims at")
    assumed_anomalies: float = Field(
        10.0, ge=0, lt=100, description="Share of anomalies assumed among images that may be anomalous, percent"
    )

    @property
    def aim(self) -> Aim:
        """What the threshold aims at."""
        return Aim(self.normal, self.false_alarm_rate, self.assumed_anomalies / 100)


def find_images(
    run: Run, *, folder: Path | None, domain: str | None, settings: AdaptSettings, explain: Explain
) -> FoundImages:
    """Find the images to adapt from, in an order that depends on their pixels alone.

    Args:
        run: The run to adapt.
        folder: A folder whose images are all taken; unset: images are drawn from the domain.
        domain: A domain of the run's data set, which may name a corruption.
        settings: How many images to draw, and which.
        explain: Called with a sentence if images cannot be read and are left out.

    Raises:
        ValueError: If not exactly one of folder and domain is given, a setting does not apply to it, there are not
            enough images, or none can be read.
    """
    check_use(settings, folder=folder, domain=domain)
    if folder is not None:
        tray, problems = list_tray(folder, known_normal=settings.normal)
        if problems:
            count = len(tray.items) + len(problems)
            explain(f"left out {len(problems)} of {count} images that cannot be read; the first: {problems[0]}")
        return record_images(tray.items, folder=path_to_share(folder))
    assert domain is not None  # as checked above
    tray = draw_tray(
        list_domain(run.config, domain),
        count=settings.count,
        seed=settings.seed,
        known_normal=settings.normal,
        anomaly_percent=settings.anomaly_percent,
    )
    share = 0.0 if settings.normal else settings.anomaly_percent
    return record_images(tray.items, domain=domain, seed=settings.seed, anomaly_percent=share)


def check_use(settings: AdaptSettings, *, folder: Path | None, domain: str | None) -> None:
    """Check that each given setting has an effect; see `find_images`."""
    if (folder is None) == (domain is None):
        raise ValueError("the images to adapt from are not named once; pass either a folder of images or a domain")
    given = settings.model_fields_set
    drawing = [flag_of(name) for name in OF_A_DRAW if name in given]
    if folder is not None and drawing:
        raise ValueError(f"all images of a folder are used, so {drawing[0]} has no effect; leave it out")
    unknown = [flag_of(name) for name in ("anomaly_percent", "assumed_anomalies") if name in given]
    if settings.normal and unknown:
        raise ValueError(f"with --normal there are no anomalies, so {unknown[0]} has no effect; leave one of them out")


def record_images(items: Sequence[Item], **origin: Any) -> FoundImages:
    """Order images by their hashes, and record them; the keywords are fields of `Origin`."""
    found = sorted((digest_item(item), item.path, position) for position, item in enumerate(items))
    images = tuple(SeenImage(name=name, sha256=digest) for digest, name, _ in found)
    return FoundImages([items[position] for _, _, position in found], Origin(images=images, **origin))


def adapt_run(
    run: Run, found: FoundImages, *, scoring: ScoringConfig, settings: AdaptSettings, explain: Explain
) -> SavedAdaptation:
    """Adapt a run to the domain of some images. Their labels are not read.

    Args:
        run: The run, loaded from its checkpoint.
        found: The images.
        scoring: How the adapted run will score, with nothing unset.
        settings: How to adapt.
        explain: Called with a sentence if the training images are not at hand.

    Raises:
        ValueError: If the run was not loaded from a checkpoint, an image cannot be read, or `gnl_core.adapting.adapt`
            refuses the images or the way.
    """
    checkpoint = checkpoint_hash(run)
    images = load_to_adapt(found.items, run.config)
    training = load_training(run)
    if training is None:
        explain("the run's training images are not at hand, so the way is chosen with less evidence")
    ways = None if settings.way == "auto" else WAYS[settings.way]
    fit = adapt(
        run.detector, images, scoring, training=training, settings=AdaptationSettings(ways=ways, aim=settings.aim)
    )
    domain_map, positions = fit.adaptation
    record = AdaptationRecord(
        checkpoint=checkpoint,
        detector=run.config.detector,
        scoring=scoring,
        ways=fit.ways,
        evidence=fit.evidence,
        aim=settings.aim,
        threshold=fit.threshold,
        map_scale=adapted_map_scale(run.detector.adapted(fit.adaptation), images, scoring, settings.aim),
        origin=found.origin,
        excess=None if domain_map is None else domain_map.excess,
        domain_strength=None if domain_map is None else domain_map.strength,
        position_strength=None if positions is None else positions.strength,
    )
    return SavedAdaptation(fit.adaptation, record)


def adapted_map_scale(detector: Detector, images: Tensor, scoring: ScoringConfig, aim: Aim) -> float | None:
    """Choose the upper end of the colour scale of an adapted detector's anomaly maps.

    It is the 99.5 % quantile of the map maxima of those of the given images that are assumed to be normal: the ones
    with the lowest maxima. 0 stays the darkest colour: in standardised maps it is what is usual at a position, and
    values below it are as dark.

    Args:
        detector: The adapted detector.
        images: The images that it was adapted from, RGB in [0, 1], shape (n, 3, H, W).
        scoring: How it scores.
        aim: The share of anomalies that is assumed among them.

    Returns:
        Above 0; None for a method without maps.
    """
    maps = detect_counted(detector, images.to(detector.device), scoring).anomaly_map
    if maps is None:
        return None
    share = 0.0 if aim.known_normal else aim.anomaly_share
    quantile = np.quantile(maps.amax(dim=(1, 2, 3)).cpu().numpy(), (1 - share) * MAP_SCALE_QUANTILE)
    return max(float(quantile), SMALLEST_SCALE)


def adapt_scoring(run: Run, given: Mapping[str, Any]) -> ScoringConfig:
    """Return the scoring settings to adapt a run for: its own with the given ones, and without FDM unless given."""
    return resolve_scoring(run, **({"style_weight": STYLE_WEIGHT} | dict(given)))


def adapted_run(run: Run, saved: SavedAdaptation) -> Run:
    """Return a run whose detector is adapted; the given run stays as it is."""
    return run._replace(detector=run.detector.adapted(saved.adaptation))


def adapted_scoring(saved: SavedAdaptation, given: Mapping[str, Any]) -> ScoringConfig:
    """Return the scoring settings of an adaptation with the given ones, which must leave anomaly maps as they are.

    Raises:
        ValueError: If a given setting changes maps and differs from the adaptation's.
    """
    own = saved.record.scoring
    for name, value in given.items():
        if name not in AFTER_THE_MAP and value != getattr(own, name):
            fitted, asked = (
                " ".join(map(shorten, flag_words(name, setting))) for setting in (getattr(own, name), value)
            )
            raise ValueError(
                f"the adaptation was made for {fitted}, but {asked} is given; leave it out, or adapt again"
            )
    return own.model_copy(update=dict(given))


def adapted_scale(saved: SavedAdaptation) -> float:
    """Return the upper end of the colour scale of adapted anomaly maps; see `adapted_map_scale`.

    Raises:
        ValueError: If the method has no maps.
    """
    if saved.record.map_scale is None:
        raise ValueError(f"{saved.record.detector} gives scores only; leave out the maps")
    return saved.record.map_scale


def adapted_threshold(
    saved: SavedAdaptation, scoring: ScoringConfig, *, explain: Explain
) -> RecalibratedThreshold | None:
    """Return an adaptation's threshold; None, with the reason explained, if maps are reduced differently."""
    own = reduction_words(saved.record.scoring)
    if reduction_words(scoring) == own:
        return saved.record.threshold
    explain(f"no threshold: the adaptation's is for scores with {own}; adapt again with {reduction_words(scoring)}")
    return None


def reduction_words(scoring: ScoringConfig) -> str:
    """Write how maps become scores as words of a command line."""
    names = AFTER_THE_MAP if scoring.reduction == "top" else AFTER_THE_MAP[:1]
    return " ".join(word for name in names for word in flag_words(name, getattr(scoring, name)))


def list_unseen(run: Run, domain: str, saved: SavedAdaptation, *, explain: Explain) -> list[Item]:
    """List the images of a domain that a run was not adapted from, by their pixels.

    Args:
        run: The run.
        domain: The domain, as in `list_domain`.
        saved: Its adaptation.
        explain: Called with a sentence if images are left out.

    Raises:
        ValueError: If no image is left, or one cannot be read.
    """
    items = list_domain(run.config, domain)
    seen = {image.sha256 for image in saved.record.origin.images}
    unseen = without_digests(items, seen, workers=run.config.workers)
    if not unseen:
        raise ValueError(
            f"the run was adapted from all {len(items)} images of {domain}, so none is left to score; score another "
            "domain, or adapt from fewer images"
        )
    if len(unseen) < len(items):
        explain(f"{domain}: left out {len(items) - len(unseen)} images that the run was adapted from")
    return unseen


def way_name(ways: Ways) -> str:
    """Return the name of chosen ways in WAYS."""
    return next(name for name, other in WAYS.items() if other[:3] == ways[:3])
