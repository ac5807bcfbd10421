from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.records import Detection
from gnl_core.scoring import detect, score


class Brightness(Detector):
    """Scores an image by its mean, times the question's strength."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        scaled = self.weight * images.mean(dim=1, keepdim=True) * (scoring.style_weight or 1)
        return Detection(score=scaled.mean(dim=(1, 2, 3)), anomaly_map=scaled if scoring.smoothing_sigma_px else None)


@pytest.fixture
def items(stripes: Callable[..., list[Item]]) -> list[Item]:
    normal, anomalous = stripes(3, label=0), stripes(2, label=1)
    return [anomalous[0], *normal, anomalous[1]]


def load(items: list[Item], batch_size: int) -> Batches:
    return Batches(items, image_size=(32, 32), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_each_image_has_one_row_in_order(items: list[Item], batch_size: int):
    rows = score(Brightness(), load(items, batch_size), ScoringConfig())
    np.testing.assert_allclose(rows.score, [item.read().mean() / 255 for item in items], rtol=1e-5)
    assert rows.label.tolist() == [1, 0, 0, 0, 1]
    assert rows.path.tolist() == [item.path for item in items]
    assert rows.category.tolist() == ["vertical", "horizontal", "horizontal", "horizontal", "vertical"]
    assert set(rows.domain) == {"stripes"}


def test_the_question_reaches_the_detector(items: list[Item]):
    plain = score(Brightness(), load(items, 2), ScoringConfig())
    halved = score(Brightness(), load(items, 2), ScoringConfig(style_weight=0.5))
    np.testing.assert_allclose(halved.score, plain.score / 2, rtol=1e-6)


def test_each_batch_comes_with_its_detection(items: list[Item]):
    found = list(detect(Brightness(), load(items, 2), ScoringConfig(smoothing_sigma_px=1)))
    assert [len(batch.paths) for batch, _ in found] == [2, 3]
    for batch, detection in found:
        torch.testing.assert_close(detection.anomaly_map, batch.views["original"].mean(dim=1, keepdim=True))


def test_a_method_without_maps_has_none(items: list[Item]):
    assert all(found.anomaly_map is None for _, found in detect(Brightness(), load(items, 2), ScoringConfig()))


def test_scoring_keeps_no_gradients(items: list[Item]):
    assert not any(found.score.requires_grad for _, found in detect(Brightness(), load(items, 2), ScoringConfig()))
