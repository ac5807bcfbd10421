from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.bank import BankDetector, append_distinct

PLAIN = ScoringConfig(reference_count=2, style_weight=0.0)
MATCHED = PLAIN.model_copy(update={"style_weight": 1.0})
ROWS = {"knn": 1, "patchcore": 16}  # per image of 32 px


@pytest.fixture(params=ROWS)
def detector(
    request: pytest.FixtureRequest, tiny_config: Callable[..., RunConfig], stripes: Callable[..., list[Item]]
) -> BankDetector:
    """A method with a bank, prepared from nine images; a single neighbour decides."""
    own = {"knn": {"neighbours": 1}, "patchcore": {"reweighting_neighbours": 1}}[request.param]
    made = create_detector(tiny_config(detector=request.param, **own)).eval()
    made.prepare(Batches(stripes(9, label=0), image_size=(32, 32), batch_size=4))
    assert isinstance(made, BankDetector)
    return made


@pytest.mark.parametrize("scoring", [PLAIN, MATCHED])
def test_the_bank_grows_by_the_features_of_the_images(detector: BankDetector, scoring: ScoringConfig):
    before, images = detector.bank.clone(), torch.rand(3, 3, 32, 32)
    grown = detector.with_images(images, scoring).bank
    count = 3 * ROWS["knn" if grown.shape[1] == detector.teacher.channels[-1] else "patchcore"]
    assert len(grown) == len(before) + count
    assert torch.equal(grown[: len(before)], before)
    torch.testing.assert_close(grown[len(before) :], detector.bank_rows(images, scoring))
    assert torch.equal(detector.bank, before)  # the detector itself stays as it is


@pytest.mark.parametrize("scoring", [PLAIN, MATCHED])
def test_images_in_the_bank_have_a_score_of_zero(detector: BankDetector, scoring: ScoringConfig):
    images = torch.rand(3, 3, 32, 32)
    grown = detector.with_images(images, scoring)
    torch.testing.assert_close(grown(images, scoring).score, torch.zeros(3), rtol=0, atol=5e-3)
    assert (detector(images, scoring).score > 0.1).all()


def test_no_images_change_nothing(detector: BankDetector):
    grown = detector.with_images(torch.zeros(0, 3, 32, 32), PLAIN)
    assert torch.equal(grown.bank, detector.bank)


def test_copies_are_not_added():
    bank, rows = torch.tensor([[1.0, 2], [1, 2], [0, 0]]), torch.tensor([[3.0, 4], [0, 0], [3, 4], [5, 0]])
    assert append_distinct(bank, rows).tolist() == [[1, 2], [1, 2], [0, 0], [3, 4], [5, 0]]


def test_images_that_are_in_the_bank_change_nothing(detector: BankDetector):
    images = torch.rand(2, 3, 32, 32)
    grown = detector.with_images(images, PLAIN)
    assert torch.equal(grown.with_images(images, PLAIN).bank, grown.bank)
