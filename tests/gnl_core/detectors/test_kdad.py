from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import numpy as np
import pytest
import scipy.ndimage
import torch
from torch import Tensor, nn

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.kdad import KDAD, gradient_map, open_map

Make = Callable[..., RunConfig]
PLAIN = ScoringConfig(style_weight=0, reference_count=1)


@pytest.fixture
def batches(stripes: Callable[..., list[Item]]) -> Batches:
    return Batches(stripes(6, label=0), image_size=(32, 32), batch_size=4)


@pytest.fixture
def detector(tiny_config: Make, batches: Batches) -> KDAD:
    """Prepared on six images, not trained."""
    detector = create_detector(tiny_config(detector="kdad")).eval()
    detector.prepare(batches)
    return detector


class Linear(nn.Module):
    """One stage whose map is the image times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor, mix: object = None) -> tuple[Tensor, ...]:
        return (self.factor * images,)


def test_both_terms_have_equal_weight_before_training(detector: KDAD, batches: Batches):
    # two batches of different length: the means over images, not over batches, are made equal
    sizes, terms = zip(*((len(batch.paths), detector.losses(batch)) for batch in batches), strict=True)
    assert sizes == (4, 2)
    means = {name: np.average([t[name].item() for t in terms], weights=sizes) for name in ("value", "direction")}
    assert means["direction"] == pytest.approx(means["value"], rel=1e-4)


def test_the_direction_weight_is_the_ratio_of_the_initial_errors(detector: KDAD, batches: Batches):
    detector.teacher, detector.student = Linear(2.0), Linear(-1.0)
    detector.cache._encode, detector.cache._maps = detector.teacher, {}
    detector.references.fill = lambda teacher, images: list(images)
    detector.prepare(batches)
    # maps 2x and -x: the value distance is 9 mean(x²), the directions are opposite
    images = torch.cat([batch.views["original"] for batch in batches])
    assert detector.direction_weight.item() == pytest.approx(9 * images.square().mean().item() / 2, rel=1e-5)


def test_the_score_is_the_total_loss_of_the_image(detector: KDAD, batches: Batches):
    (batch,) = Batches(batches.items[:1], image_size=(32, 32), batch_size=1)
    (score,) = detector(batch.views["original"], PLAIN).score.tolist()
    assert score == pytest.approx(sum(detector.losses(batch).values()).item(), rel=1e-4)


def test_the_map_is_the_gradient_of_the_score(detector: KDAD):
    detector.teacher, detector.student = Linear(2.0), Linear(-1.0)
    image = torch.zeros(1, 3, 8, 8)
    image[0, 1, 2:6, 2:6] = torch.arange(1.0, 17).view(4, 4)
    found = detector(image, PLAIN).anomaly_map
    # 9 mean(x²) has the gradient 18 x / n; the opposite directions do not change
    expected = scipy.ndimage.grey_opening(18 * image[0, 1].numpy() / image.numel(), size=(3, 3))
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-6)
    assert found.max() > 0


def test_an_image_has_the_same_map_in_any_batch(detector: KDAD):
    images = torch.rand(3, 3, 32, 32)
    together = detector(images, PLAIN).anomaly_map
    torch.testing.assert_close(detector(images[1:2], PLAIN).anomaly_map, together[1:2], rtol=1e-4, atol=1e-4)


def test_the_map_takes_the_largest_magnitude_of_the_channels():
    gradient = torch.zeros(1, 3, 5, 5)
    gradient[0, 0], gradient[0, 1], gradient[0, 2] = 1.0, -3.0, 2.0
    assert torch.equal(gradient_map(gradient, sigma_px=0), torch.full((1, 1, 5, 5), 3.0))


def test_opening_is_scipys(seeded: Iterator[None]):
    image = torch.rand(1, 1, 9, 11)
    inner = slice(2, -2)  # borders: scipy mirrors, here what lies outside does not count
    expected = scipy.ndimage.grey_opening(image[0, 0].numpy(), size=(3, 3))
    np.testing.assert_array_equal(open_map(image)[0, 0, inner, inner].numpy(), expected[inner, inner])


def test_opening_removes_a_line_and_keeps_a_square():
    image = torch.zeros(1, 1, 12, 12)
    image[..., 1, :] = 1
    square = torch.zeros(1, 1, 12, 12)
    square[..., 6:9, 3:6] = 1
    assert torch.equal(open_map(image + square), square)


def test_maps_come_in_inference_mode_too(detector: KDAD):
    images = torch.rand(2, 3, 32, 32)
    expected = detector(images, PLAIN)
    with torch.inference_mode():
        found = detector(images * 1, PLAIN)
    assert torch.equal(found.score, expected.score)
    assert torch.equal(found.anomaly_map, expected.anomaly_map)


def test_neither_score_nor_map_holds_on_to_the_graph(detector: KDAD):
    found = detector(torch.rand(2, 3, 32, 32), PLAIN)
    assert not found.score.requires_grad
    assert not found.anomaly_map.requires_grad


def test_matching_moves_the_teachers_side_alone(detector: KDAD):
    images = torch.rand(2, 3, 32, 32)
    seen = []
    student = deepcopy(detector.student)
    detector.student.forward = lambda pixels: seen.append(pixels.detach()) or student(pixels)
    plain = detector(images, PLAIN).score
    matched = detector(images, ScoringConfig(style_weight=1, reference_count=2)).score
    assert not torch.allclose(plain, matched)
    assert all(torch.equal(pixels, images) for pixels in seen)
