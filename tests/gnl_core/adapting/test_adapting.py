"""Adapting as a whole: what every method promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from gnl_core.adaptation.choice import Ways
from gnl_core.adaptation.positions import PositionStatistics
from gnl_core.adaptation.recalibration import Aim
from gnl_core.adaptation.records import Adaptation, Positions
from gnl_core.adapting import AdaptationSettings, Fit, adapt
from gnl_core.adapting.detecting import detect_all
from gnl_core.adapting.fitting import fit_adaptation
from gnl_core.config import RunConfig
from gnl_core.detectors import complete_config, create_detector
from gnl_core.detectors.base import Detector
from gnl_core.records import Batch

MATCHING = ("rd4ad", "gnl", "kdad", "knn", "patchcore")
WITHOUT_TEACHER = ("deep_svdd", "f_anogan")
NOT_THEIR_MAP = ("kdad", "knn", "patchcore", *WITHOUT_TEACHER)
MATCH = Ways(match_domain=True)
MATCH_IMAGES = Ways(match_domain=True, match_images=True)
STANDARDISE = Ways(standardise=True)
ALL_WAYS = Ways(match_domain=True, match_images=True, standardise=True)


def colours(count: int, *, seed: int) -> Tensor:
    """Noisy images of 32 px, shape (count, 3, 32, 32)."""
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


TRAINING = colours(8, seed=0)
TRAY = 0.4 * colours(6, seed=1) + 0.1
UNSEEN = 0.4 * colours(3, seed=2) + 0.1


class Tiny(NamedTuple):
    """A detector that has read the training images but not learnt from them."""

    detector: Detector
    config: RunConfig


@pytest.fixture(scope="module")
def make_tiny(tiny_config: Callable[..., RunConfig]) -> Callable[..., Tiny]:
    made: dict[tuple[str, int], Tiny] = {}

    def make(method: str, *, references: int = 3) -> Tiny:
        if (method, references) not in made:
            config = complete_config(
                tiny_config(detector=method, stored_references=references, reference_count=min(2, max(1, references)))
            )
            detector = create_detector(config)
            names = tuple(map(str, range(len(TRAINING))))
            views = dict.fromkeys(detector.views, TRAINING)
            detector.prepare([Batch(views, torch.zeros(len(names)), names, names, names)])
            made[method, references] = Tiny(detector.eval(), config)
        return made[method, references]

    return make


def assert_same(fit: Fit, other: Fit, *, tolerance: float = 1e-3) -> None:
    """Compare adaptations, evidence and thresholds; sums in another order round differently."""
    assert fit.ways == other.ways
    assert fit.threshold.value == pytest.approx(other.threshold.value, rel=tolerance)
    assert fit.threshold[1:] == other.threshold[1:]
    for value, expected in zip(fit.evidence, other.evidence, strict=True):
        assert value == pytest.approx(expected, rel=tolerance, abs=tolerance)
    for tensor, expected in zip(tensors(fit.adaptation), tensors(other.adaptation), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=tolerance, atol=tolerance)


def tensors(adaptation: Adaptation) -> list[Tensor]:
    """All tensors of an adaptation."""
    stages = adaptation.domain_map.stages if adaptation.domain_map else ()
    return [
        *(part for stage in stages for part in stage),
        *(adaptation.positions.statistics if adaptation.positions else ()),
    ]


@pytest.mark.parametrize("method", [*MATCHING, *WITHOUT_TEACHER])
def test_every_method_can_be_adapted_to_a_tray(method: str, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny(method)
    fit = adapt(detector, TRAY, config, training=TRAINING)
    assert fit.ways.match_domain == (method in MATCHING)
    found = detector.adapted(fit.adaptation)(UNSEEN, config)
    assert found.score.isfinite().all()
    assert found.anomaly_map is None or found.anomaly_map.isfinite().all()
    assert np.isfinite(fit.threshold.value)


@pytest.mark.parametrize("method", MATCHING)
def test_several_strengths_of_matching_score_as_one_by_one_under_an_adaptation(
    method: str, make_tiny: Callable[..., Tiny]
):
    detector, config = make_tiny(method)
    ways = ALL_WAYS if detector.reduces_map else MATCH_IMAGES
    adapted = detector.adapted(fit_adaptation(detector, TRAY, config, ways))
    scorings = [config.model_copy(update={"style_weight": weight}) for weight in (0.0, 0.5, 1.0)]
    with torch.inference_mode():
        together, apart = adapted.detect_each(UNSEEN, scorings), [adapted(UNSEEN, scoring) for scoring in scorings]
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one.score, other.score, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(apart[0].score, apart[2].score, rtol=1e-3)
    assert not torch.allclose(apart[0].score, detector(UNSEEN, scorings[0]).score, rtol=1e-3)


@pytest.mark.parametrize("method", MATCHING)
def test_an_adapted_detector_shares_weights_and_leaves_the_original_as_it_is(
    method: str, make_tiny: Callable[..., Tiny]
):
    detector, config = make_tiny(method)
    before = detector(UNSEEN, config).score
    adapted = detector.adapted(fit_adaptation(detector, TRAY, config, MATCH))
    assert not torch.equal(adapted(UNSEEN, config).score, before)
    assert torch.equal(detector(UNSEEN, config).score, before)
    shared = dict(detector.state_dict(keep_vars=True))
    assert all(value is shared[name] for name, value in adapted.state_dict(keep_vars=True).items())


def test_the_empty_adaptation_changes_no_bit(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    adapted = detector.adapted(fit_adaptation(detector, TRAY, config, ALL_WAYS)).adapted(Adaptation())
    assert torch.equal(adapted(UNSEEN, config).score, detector(UNSEEN, config).score)


def test_two_adaptations_of_one_detector_do_not_disturb_each_other(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    twins = [
        detector.adapted(fit_adaptation(detector, tray, config, ways))
        for tray, ways in ((TRAY, ALL_WAYS), (1 - TRAY, MATCH))
    ]
    alone = [twin(UNSEEN, config).score for twin in twins]
    assert not torch.allclose(*alone)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda twin: twin(UNSEEN, config).score, 4 * twins))
    assert all(torch.equal(score, alone[index % 2]) for index, score in enumerate(together))


def test_an_earlier_adaptation_is_replaced(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    adapted = detector.adapted(fit_adaptation(detector, 1 - TRAY, config, ALL_WAYS))
    assert_same(adapt(adapted, TRAY, config, training=TRAINING), adapt(detector, TRAY, config, training=TRAINING))


@pytest.mark.parametrize("ways", [None, MATCH, MATCH_IMAGES, STANDARDISE, ALL_WAYS])
def test_the_order_of_the_tray_changes_nothing(ways: Ways | None, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    settings = AdaptationSettings(ways=ways)
    fits = [adapt(detector, tray, config, training=TRAINING, settings=settings) for tray in (TRAY, TRAY.flip(0))]
    assert_same(*fits)


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
@pytest.mark.parametrize("method", ["rd4ad", "kdad", "patchcore"])
def test_scores_are_finite_at_every_precision(method: str, precision: str, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny(method)
    scoring = config.model_copy(update={"scoring_precision": precision})
    fit = adapt(
        detector,
        TRAY,
        scoring,
        training=TRAINING,
        settings=AdaptationSettings(ways=ALL_WAYS if detector.reduces_map else MATCH_IMAGES),
    )
    adapted = detect_all(detector.adapted(fit.adaptation), UNSEEN, scoring)
    assert adapted.score.isfinite().all()
    assert np.isfinite(fit.threshold.value)
    full = detect_all(detector.adapted(fit.adaptation), UNSEEN, config)
    torch.testing.assert_close(adapted.score.float(), full.score, rtol=0.1, atol=0.05)


def test_one_image_is_enough_but_promises_nothing(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    settings = AdaptationSettings(aim=Aim(known_normal=True))
    fit = adapt(detector, TRAY[:1], config, training=TRAINING, settings=settings)
    assert fit.ways.match_domain
    assert fit.threshold.promised_rate is None
    assert detector.adapted(fit.adaptation)(UNSEEN, config).score.isfinite().all()


def test_one_image_without_adaptation_promises_a_half(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    settings = AdaptationSettings(ways=Ways(), aim=Aim(known_normal=True))
    threshold = adapt(detector, TRAY[:1], config, settings=settings).threshold
    assert threshold.promised_rate == 0.5
    assert threshold.value == pytest.approx(detector(TRAY[:1], config).score.item())


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_images_cannot_be_standardised(count: int, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("rd4ad")
    with pytest.raises(ValueError, match=f"at least 3 images .* got {count}"):
        adapt(detector, TRAY[:count], config, settings=AdaptationSettings(ways=STANDARDISE))
    assert adapt(detector, TRAY[:3], config, settings=AdaptationSettings(ways=STANDARDISE)).adaptation.positions


@pytest.mark.parametrize("method", ["rd4ad", "deep_svdd"])
@pytest.mark.parametrize("count", [1, 4])
def test_images_of_a_single_colour_are_refused(count: int, method: str, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny(method)
    grey = torch.full((count, 3, 32, 32), 0.4)
    with pytest.raises(ValueError, match=r"^adapting needs images of objects, .* single colour; pass other images$"):
        adapt(detector, grey, config, training=TRAINING)


def test_no_image_is_refused(make_tiny: Callable[..., Tiny]):
    with pytest.raises(ValueError, match="at least one image"):
        adapt(make_tiny("rd4ad").detector, TRAY[:0], make_tiny("rd4ad").config)


@pytest.mark.parametrize("method", WITHOUT_TEACHER)
def test_a_method_without_a_teacher_cannot_be_matched(method: str, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny(method)
    with pytest.raises(ValueError, match="no teacher whose features could be matched; recalibrate its threshold"):
        fit_adaptation(detector, TRAY, config, MATCH)
    domain_map = fit_adaptation(*make_tiny("rd4ad")[:1], TRAY, config, MATCH)
    with pytest.raises(ValueError, match="no teacher whose features could be matched; recalibrate its threshold"):
        detector.adapted(domain_map)


@pytest.mark.parametrize("method", NOT_THEIR_MAP)
def test_a_method_whose_score_is_not_its_map_cannot_be_standardised(method: str, make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny(method)
    with pytest.raises(ValueError, match=r"^(the score of|this method has no anomaly maps)[^.]*$"):
        adapt(detector, TRAY, config, settings=AdaptationSettings(ways=STANDARDISE))
    statistics = PositionStatistics(torch.zeros(32, 32), torch.ones(32, 32))
    with pytest.raises(ValueError, match="is not its anomaly map"):
        detector.adapted(Adaptation(positions=Positions(statistics)))


def test_images_are_not_matched_without_their_domain(make_tiny: Callable[..., Tiny]):
    with pytest.raises(ValueError, match="choose match_domain as well"):
        fit_adaptation(make_tiny("rd4ad").detector, TRAY, make_tiny("rd4ad").config, Ways(match_images=True))


def test_a_checkpoint_without_references_is_refused(make_tiny: Callable[..., Tiny]):
    detector, config = make_tiny("knn", references=0)
    with pytest.raises(ValueError, match=r"^this checkpoint keeps no references, .* --stored-references 1 or more$"):
        adapt(detector, TRAY, config)
