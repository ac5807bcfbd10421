"""What adapting brings the bundled detectors, on images that it has not seen."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from gnl_core.adaptation.choice import Evidence, Ways, choose_ways, warn_of_evidence
from gnl_core.adaptation.records import Adaptation
from gnl_core.adapting import AdaptationSettings, Fit, adapt
from gnl_core.adapting.cross_validation import score_without_themselves
from gnl_core.adapting.detecting import detect_all
from gnl_core.adapting.evidence import gather_evidence
from gnl_core.adapting.fitting import fit_adaptation, fit_domain_map
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import list_items
from gnl_core.datasets.base import Item
from gnl_core.detectors.base import Detector
from gnl_core.metrics.image import auroc
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain, split_training
from gnl_core.runs.scoring import load_run, resolve_scoring
from gnl_core.runs.tray_images import load_tray
from gnl_core.runs.trays import draw_tray, without

BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints"
SAMPLED = {"parts": (12, 18), "digits": (60, 60)}  # normal and anomalous images that are scored
MATCH = Ways(match_domain=True)
STANDARDISE = Ways(standardise=True)


class Shown(NamedTuple):
    """A bundled detector, and images of its domains."""

    detector: Detector
    scoring: ScoringConfig
    training: Tensor
    config: RunConfig

    def adapt(self, images: Tensor, **settings: object) -> Fit:
        return adapt(
            self.detector, images, self.scoring, training=self.training, settings=AdaptationSettings(**settings)
        )

    def score(self, images: Tensor, adaptation: Adaptation = Adaptation()) -> np.ndarray:  # noqa: B008
        return detect_all(self.detector.adapted(adaptation), images, self.scoring).score.numpy()

    def look(self, images: Tensor) -> Evidence:
        """What images show, without the cost of a threshold."""
        maps = detect_all(self.detector, images, self.scoring).anomaly_map
        return gather_evidence(
            self.detector,
            images,
            self.scoring,
            domain_map=fit_domain_map(self.detector, images),
            anomaly_maps=maps,
            training=self.training,
        )

    def load(self, items: list[Item]) -> Tensor:
        return load_tray(items, self.config)


def load_bundled(name: str) -> Shown:
    run = load_run(RunFolder(BUNDLED / name), device="cpu")
    scoring = resolve_scoring(run, style_weight=0.0)
    _, held_out = split_training(run.config)
    return Shown(run.detector, scoring, load_tray(held_out[:8], run.config), run.config)


@pytest.fixture(scope="module")
def nut() -> Shown:
    return load_bundled("parts-nut-rd4ad")


@pytest.fixture(scope="module")
def digits() -> Shown:
    return load_bundled("digits-4-rd4ad")


class Sample(NamedTuple):
    """A tray of a domain with what it is adapted by, and some of the other images with their labels."""

    tray: Tensor
    fit: Fit
    others: Tensor
    labels: np.ndarray


@pytest.fixture(scope="module")
def sample() -> Callable[[Shown, str], Sample]:
    drawn: dict[str, Sample] = {}

    def draw(shown: Shown, domain: str) -> Sample:
        if domain not in drawn:
            items = list_domain(shown.config, domain)
            tray = draw_tray(items, count=16, seed=0)
            generator, rest = random.Random(0), without(items, tray)
            normal, anomalous = SAMPLED[shown.config.dataset]
            others = [
                *generator.sample([item for item in rest if item.label == 0], normal),
                *generator.sample([item for item in rest if item.label == 1], anomalous),
            ]
            labels = np.array([item.label for item in others])
            images = shown.load(tray.items)
            drawn[domain] = Sample(images, shown.adapt(images), shown.load(others), labels)
        return drawn[domain]

    return draw


@pytest.mark.parametrize("ways", [MATCH, STANDARDISE])
def test_images_score_lower_under_their_own_adaptation_than_under_that_of_others(
    ways: Ways, digits: Shown, sample: Callable[..., Sample]
):
    tray = sample(digits, "digits_m").tray
    own = digits.score(tray, fit_adaptation(digits.detector, tray, digits.scoring, ways))
    unadapted = detect_all(digits.detector, tray, digits.scoring)
    others = score_without_themselves(digits.detector, tray, digits.scoring, ways, unadapted=unadapted)
    assert own.mean() < others.mean()


def test_in_distribution_nothing_is_chosen_for_digits(digits: Shown, sample: Callable[..., Sample]):
    fit = sample(digits, "digits").fit
    assert fit.adaptation == Adaptation()
    assert "no clear shift" in fit.ways.reason


def test_in_distribution_nothing_is_chosen_for_the_nut(nut: Shown):
    items = [item for item in list_domain(nut.config, "parts") if item.label == 0][:12]
    evidence = nut.look(nut.load(items))
    assert "no clear shift" in choose_ways(evidence).reason
    assert warn_of_evidence(evidence) is None


@pytest.mark.parametrize("domain", ["parts_lighting", "parts_background"])
def test_a_changed_lamp_or_background_is_standardised_and_repaired(
    domain: str, nut: Shown, sample: Callable[..., Sample]
):
    _, fit, others, labels = sample(nut, domain)
    assert fit.ways[:3] == STANDARDISE[:3]
    assert auroc(labels, nut.score(others, fit.adaptation)) >= auroc(labels, nut.score(others)) + 0.08
    assert warn_of_evidence(fit.evidence) is None


def test_blended_digits_are_matched_and_repaired(digits: Shown, sample: Callable[..., Sample]):
    _, fit, others, labels = sample(digits, "digits_m")
    assert fit.ways.match_domain
    assert not fit.ways.standardise
    assert auroc(labels, digits.score(others, fit.adaptation)) > auroc(labels, digits.score(others))


@pytest.mark.parametrize(("anomalous", "lost"), [(2, 0.05), (5, 0.1)])  # 10 and 30 %
def test_anomalies_in_the_tray_change_neither_the_choice_nor_what_is_usual(
    anomalous: int, lost: float, nut: Shown, sample: Callable[..., Sample]
):
    tray, _, others, labels = sample(nut, "parts_background")
    normal, flawed = torch.cat([tray[:14], others[labels == 0]]), others[labels == 1]
    contaminated = torch.cat([normal[: 16 - anomalous], flawed[:anomalous]])
    clean, dirty = (
        fit_adaptation(nut.detector, images, nut.scoring, STANDARDISE) for images in (normal[:16], contaminated)
    )
    assert choose_ways(nut.look(contaminated))[:3] == STANDARDISE[:3]
    usual, expected = dirty.positions.statistics, clean.positions.statistics
    assert ((usual.median - expected.median).abs() / expected.deviation).mean() < 0.3
    assert (usual.deviation / expected.deviation).log().abs().mean() < 0.3
    left, known = torch.cat([normal[16:], flawed[5:]]), np.r_[np.zeros(len(normal) - 16), np.ones(len(flawed) - 5)]
    assert auroc(known, nut.score(left, dirty)) > auroc(known, nut.score(left, clean)) - lost


def test_woven_cloth_raises_a_warning_with_the_nuts_detector(nut: Shown):
    cloth = nut.load(list_items("parts", normal_class="weave", domain="parts", root=None)[:4])
    assert "another kind of object" in warn_of_evidence(nut.look(cloth))


@pytest.mark.parametrize("domain", ["parts_bright", "parts_blur", "parts_noise"])
def test_the_nut_raises_no_warning_under_a_corruption(domain: str, nut: Shown):
    items = [item for item in list_domain(nut.config, domain) if item.label == 0][:6]
    assert warn_of_evidence(nut.look(nut.load(items))) is None
