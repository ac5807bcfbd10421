from __future__ import annotations

from collections.abc import Callable

import pytest
import scipy.stats
import torch
from torch import Tensor

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.rd4ad_mixing import MixingSettings, draw_mix
from gnl_core.distribution_matching import efdm


class Recorder:
    """A mix that records its partners and shares, and changes no features."""

    def __init__(self) -> None:
        self.partners: list[list[int]] = []
        self.shares: list[float] = []

    def __call__(self, features: Tensor, partner: Tensor, *, own_share: Tensor) -> Tensor:
        self.partners.append(partner.flatten().int().tolist())
        self.shares += own_share.tolist()
        return features


NUMBERED = torch.arange(8.0).view(8, 1, 1, 1)  # image r holds the value r


def record(times: int, **settings: object) -> Recorder:
    recorder = Recorder()
    mix = draw_mix(recorder, MixingSettings(**settings))
    for _ in range(times):
        for index in range(3):
            mix(index, NUMBERED)
    return recorder


@pytest.mark.parametrize(("stages", "count"), [("1", 1), ("1,3", 2), ("1,2,3", 3)])
def test_mixing_acts_only_behind_the_given_stages(stages: str, count: int):
    assert len(record(1, mixed_stages=stages, mixing_probability=1).partners) == count


def test_probability_zero_is_the_identity():
    mix = draw_mix(efdm, MixingSettings(mixing_probability=0))
    assert all(mix(index, NUMBERED) is NUMBERED for index in range(3))


def test_half_of_the_stages_are_mixed_by_default():
    found = len(record(200).partners)
    assert scipy.stats.binomtest(found, 600, 0.5).pvalue > 0.001


def test_partners_are_the_batch_in_another_order():
    partners = record(30, mixing_probability=1).partners
    assert all(sorted(order) == list(range(8)) for order in partners)
    assert len({tuple(order) for order in partners}) > 80


def test_shares_follow_the_beta_distribution():
    shares = record(100, mixing_probability=1, mixing_beta=0.5).shares  # smaller ones pile up at float32's 1
    assert len(shares) == 100 * 3 * 8
    assert scipy.stats.kstest(shares, scipy.stats.beta(0.5, 0.5).cdf).pvalue > 0.001


def test_the_draws_are_the_global_generators():
    def draw() -> Recorder:
        torch.manual_seed(5)
        return record(4)

    first, again = draw(), draw()
    assert (first.partners, first.shares) == (again.partners, again.shares)


def test_mixed_maps_are_the_bottlenecks_input_and_the_teachers_side(
    tiny_config: Callable[..., RunConfig], stripes: Callable[..., list[Item]]
):
    config = tiny_config(detector="rd4ad_efdm", mixing_probability=1, mixing_beta=0.5)
    detector = create_detector(config).eval()
    batch = next(Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4).epoch(1))
    found = detector.reconstruct(batch, "original")
    plain = detector.network.teacher(batch.views["original"])
    assert not any(torch.allclose(mixed, stage) for mixed, stage in zip(found.teacher, plain, strict=True))
    torch.testing.assert_close(found.embedding, detector.network.bottleneck(found.teacher))


def test_nothing_is_mixed_when_scoring(tiny_config: Callable[..., RunConfig]):
    images = torch.rand(4, 3, 32, 32)
    expected = create_detector(tiny_config(detector="rd4ad")).eval()
    for name in ("rd4ad_mixstyle", "rd4ad_efdm"):
        detector = create_detector(config := tiny_config(detector=name, mixing_probability=1)).eval()
        assert torch.equal(detector(images, config).score, expected(images, config).score)
