from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import scipy.stats
import torch

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.records import Batch

Make = Callable[..., RunConfig]


@pytest.fixture
def batch(stripes: Callable[..., list[Item]]) -> Batch:
    return next(Batches(stripes(6, label=0), image_size=(32, 32), batch_size=6).epoch(1))


def test_distillation_is_rd4ads(tiny_config: Make, batch: Batch):
    jigsaw = create_detector(tiny_config(detector="rd4ad_jigsaw")).train()
    expected = create_detector(tiny_config(detector="rd4ad")).train().losses(batch)
    assert jigsaw.losses(batch)["distillation"].item() == expected["distillation"].item()


def test_the_loss_of_an_untrained_head_is_the_logarithm_of_the_number_of_orders(tiny_config: Make, batch: Batch):
    detector = create_detector(tiny_config(detector="rd4ad_jigsaw", jigsaw_weight=0.5, jigsaw_permutations=4)).train()
    torch.nn.init.zeros_(detector.head.weight)
    torch.nn.init.zeros_(detector.head.bias)
    assert detector.losses(batch)["jigsaw"].item() == pytest.approx(0.5 * math.log(5))


def test_the_head_predicts_the_order_of_the_tiles(tiny_config: Make, batch: Batch):
    # only the answer "in place" is ever given: right without shuffled tiles, wrong with them alone
    loss = {}
    for percent in (0, 100):
        config = tiny_config(detector="rd4ad_jigsaw", jigsaw_weight=1, jigsaw_shuffled_percent=percent)
        detector = create_detector(config).train()
        torch.nn.init.zeros_(detector.head.weight)
        detector.head.bias.data = torch.tensor([20.0] + 30 * [0.0])
        loss[percent] = detector.losses(batch)["jigsaw"].item()
    assert loss == pytest.approx({0: 0, 100: 20}, abs=1e-4)


def test_the_puzzle_teaches_bottleneck_and_head_and_not_the_student(tiny_config: Make, batch: Batch):
    detector = create_detector(tiny_config(detector="rd4ad_jigsaw")).train()
    detector.losses(batch)["jigsaw"].backward()
    learnt = {name for name, parameter in detector.named_parameters() if parameter.grad is not None}
    assert "head.weight" in learnt
    assert any(name.startswith("network.bottleneck.") for name in learnt)
    assert not any(name.startswith("network.student.") for name in learnt)


def test_the_stated_share_is_shuffled_and_all_orders_occur(tiny_config: Make):
    detector = create_detector(tiny_config(detector="rd4ad_jigsaw", jigsaw_shuffled_percent=40))
    labels = detector.draw_orders(3000)
    assert scipy.stats.binomtest(int((labels > 0).sum()), 3000, 0.4).pvalue > 0.001
    assert set(labels.tolist()) == set(range(31))


def test_the_head_is_not_used_in_scoring(tiny_config: Make):
    images = torch.rand(2, 3, 32, 32)
    detector = create_detector(config := tiny_config(detector="rd4ad_jigsaw")).eval()
    before = detector(images, config).score
    torch.nn.init.ones_(detector.head.weight)
    assert torch.equal(detector(images, config).score, before)


def test_puzzles_can_be_solved(tiny_config: Make):
    # a picture that is brighter from tile to tile, in two orders besides its own
    ramp = torch.linspace(0, 1, 48).view(1, 1, 48, 1) / 2 + torch.linspace(0, 1, 48) / 2
    images = ramp.expand(12, 3, 48, 48).contiguous()
    batch = Batch(
        views={"original": images},
        labels=torch.zeros(12),
        domains=("ramp",) * 12,
        categories=("ramp",) * 12,
        paths=tuple(map(str, range(12))),
    )
    config = tiny_config(detector="rd4ad_jigsaw", jigsaw_permutations=2, jigsaw_shuffled_percent=67)
    detector = create_detector(config).train()
    optimizers = detector.optimizers(0.002)
    losses = [detector.training_step(batch, optimizers, progress=0)["jigsaw"] for _ in range(8)]
    assert sum(losses[-3:]) < sum(losses[:3]) / 2
