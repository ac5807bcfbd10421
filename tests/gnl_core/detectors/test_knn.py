from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import pool
from gnl_core.detectors.knn import NearestNeighbours
from gnl_core.models.teachers import Teacher

Make = Callable[..., RunConfig]
PLAIN = ScoringConfig(reference_count=2)


@pytest.fixture
def training(stripes: Callable[..., list[Item]]) -> Batches:
    return Batches(stripes(9, label=0), image_size=(32, 32), batch_size=4)


def prepared(config: RunConfig, training: Batches) -> NearestNeighbours:
    detector = create_detector(config).eval()
    detector.prepare(training)
    return detector


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_score_is_the_mean_distance_that_scikit_learn_finds(
    count: int, tiny_config: Make, training: Batches, teacher: Teacher
):
    images = torch.rand(3, 3, 32, 32)
    bank = torch.cat([teacher(batch.views["original"])[2].mean(dim=(2, 3)) for batch in training])
    search = NearestNeighbors(n_neighbors=count).fit(bank.numpy())
    distances, _ = search.kneighbors(teacher(images)[2].mean(dim=(2, 3)).numpy())
    found = prepared(tiny_config(detector="knn", neighbours=count), training)(images, PLAIN)
    torch.testing.assert_close(
        found.score, torch.from_numpy(distances.mean(axis=1)), check_dtype=False, rtol=1e-4, atol=0
    )


def test_it_has_no_map(tiny_config: Make, training: Batches):
    assert prepared(tiny_config(detector="knn"), training)(torch.rand(2, 3, 32, 32), PLAIN).anomaly_map is None


def test_a_training_image_is_at_distance_zero_from_itself(tiny_config: Make, training: Batches):
    detector = prepared(tiny_config(detector="knn", neighbours=1), training)
    batch = next(iter(training))
    torch.testing.assert_close(detector(batch.views["original"], PLAIN).score, torch.zeros(4), rtol=0, atol=1e-3)


def test_more_neighbours_than_training_images_take_all(tiny_config: Make, training: Batches):
    images = torch.rand(1, 3, 32, 32)
    all_of_them = prepared(tiny_config(detector="knn", neighbours=9), training)(images, PLAIN).score
    assert torch.equal(prepared(tiny_config(detector="knn", neighbours=50), training)(images, PLAIN).score, all_of_them)


def test_matching_changes_the_test_image_and_not_the_bank(tiny_config: Make, training: Batches):
    detector = prepared(tiny_config(detector="knn", neighbours=1), training)
    images, matched = torch.rand(2, 3, 32, 32), PLAIN.model_copy(update={"style_weight": 1.0})
    mix = detector.references.matching(matched, own_weight=0)
    expected = torch.cdist(pool(detector.teacher(images, mix)), detector.bank).min(dim=1).values
    torch.testing.assert_close(detector(images, matched).score, expected, rtol=1e-4, atol=1e-3)
    assert not torch.allclose(detector(images, matched).score, detector(images, PLAIN).score)
