from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import scipy.ndimage
import torch
from torch.nn.functional import interpolate

from gnl_core.cells import CellGrid
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.patchcore import (
    PatchCore,
    average_neighbourhoods,
    farthest_patches,
    patch_features,
    rarity_weight,
    rows_of,
)

Make = Callable[..., RunConfig]
PLAIN = ScoringConfig(reference_count=2)
TILING = (CellGrid(4), CellGrid(8), CellGrid(16))


@pytest.fixture
def training(stripes: Callable[..., list[Item]]) -> Batches:
    return Batches(stripes(9, label=0, size=(64, 64)), image_size=(64, 64), batch_size=4)


def prepared(training: Batches, tiny_config: Make, **settings: object) -> PatchCore:
    detector = create_detector(tiny_config(detector="patchcore", image_size=64, **settings)).eval()
    detector.prepare(training)
    return detector


def test_a_neighbourhood_is_averaged_over_existing_positions():
    features = torch.arange(9.0).view(1, 1, 3, 3)
    averaged = average_neighbourhoods(features)[0, 0]
    assert averaged[1, 1].item() == 4  # all nine
    assert averaged[0, 0].item() == (0 + 1 + 3 + 4) / 4
    assert averaged[1, 2].item() == pytest.approx((1 + 2 + 4 + 5 + 7 + 8) / 6)


def test_a_patch_feature_joins_stages_two_and_three_at_stage_twos_size():
    low, middle, high = torch.rand(2, 5, 8, 8), torch.rand(2, 3, 4, 4), torch.full((2, 6, 2, 2), 7.0)
    features = patch_features((low, middle, high), grids=TILING)
    assert features.shape == (2, 9, 4, 4)
    expected = scipy.ndimage.uniform_filter(middle[0, 0].double().numpy(), 3)[1:3, 1:3]
    torch.testing.assert_close(features[0, 0, 1:3, 1:3].double(), torch.from_numpy(expected), rtol=1e-4, atol=1e-4)
    assert torch.equal(features[:, 3:], torch.full((2, 6, 4, 4), 7.0))


def test_a_patch_feature_takes_stage_threes_value_where_stage_twos_cell_lies():
    # at 40 px, stage 2 has five cells of 8 px, stage 3 three of 16 px, the first of which begins 8 px left of the image
    low, middle, high = torch.rand(1, 1, 1, 10), torch.rand(1, 1, 1, 5), torch.tensor([[[[0.0, 3.0, 6.0]]]])
    features = patch_features((low, middle, high), grids=(CellGrid(4), CellGrid(8), CellGrid(16, left=8)))
    # the neighbourhoods' means 1.5, 3 and 4.5 lie at -0.5, 1.5 and 3.5 of stage 2's cells
    assert features[0, 1].flatten().tolist() == [1.875, 2.625, 3.375, 4.125, 4.5]


def test_rows_go_through_an_image_row_by_row_and_then_to_the_next():
    features = torch.stack([torch.arange(12.0), 100 + torch.arange(12.0)], dim=1).view(2, 6, 2).permute(0, 2, 1)
    rows = rows_of(features.reshape(2, 2, 2, 3))
    assert rows[:, 0].tolist() == list(range(12))
    assert rows[:, 1].tolist() == list(range(100, 112))


def test_the_farthest_patch_of_each_image_is_found_among_all_rows():
    patch_map = torch.tensor([[[[0.0, 5.0], [1.0, 2.0]]], [[[0.0, 1.0], [7.0, 2.0]]]])
    assert farthest_patches(patch_map).tolist() == [1, 4 + 2]


def test_the_weight_is_equation_7_by_hand():
    # the patch at 0; m* at 1, and around it 1, 3, 4 (9 is the farthest from m* and left out)
    patch, bank = torch.tensor([[0.0]]), torch.tensor([[9.0], [3.0], [1.0], [4.0]])
    weight = rarity_weight(patch, bank, torch.tensor([2]), count=3)
    assert weight.item() == pytest.approx(1 - math.e**1 / (math.e**1 + math.e**3 + math.e**4))


def test_neighbours_as_near_as_the_nearest_leave_the_weight_of_a_guess():
    bank = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    assert rarity_weight(torch.zeros(1, 2), bank, torch.tensor([0]), count=4).item() == pytest.approx(1 - 1 / 4)


def test_the_weight_stays_finite_at_large_distances():
    weight = rarity_weight(torch.zeros(1, 1), torch.tensor([[1e4], [2e4]]), torch.tensor([0]), count=2)
    assert weight.item() == pytest.approx(1)


@pytest.mark.parametrize(("rows", "count"), [(1, 9), (4, 1)])
def test_without_surroundings_nothing_is_reweighted(rows: int, count: int):
    weight = rarity_weight(torch.zeros(2, 3), torch.rand(rows, 3), torch.tensor([0, 0]), count=count)
    assert weight.tolist() == [1, 1]


def test_the_bank_is_a_share_of_the_training_images_patches(training: Batches, tiny_config: Make):
    detector = prepared(training, tiny_config, coreset_percent=25)
    patches = torch.cat([rows_of(detector.patch_features(batch.views["original"])) for batch in training])
    assert len(patches) == 9 * 8 * 8
    assert len(detector.bank) == len(patches) / 4
    assert (detector.bank[:, None] == patches).all(dim=2).any(dim=1).all()


def test_the_selection_uses_at_most_the_given_number_of_patches(training: Batches, tiny_config: Make):
    assert len(prepared(training, tiny_config, coreset_percent=25, coreset_candidates=100).bank) == 25


def test_the_seed_determines_the_bank(training: Batches, tiny_config: Make):
    first, again, other = (prepared(training, tiny_config, seed=seed).bank for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_map_has_each_patchs_distance_to_the_nearest_of_the_bank(training: Batches, tiny_config: Make):
    detector, images = prepared(training, tiny_config), torch.rand(2, 3, 64, 64)
    features = detector.patch_features(images).double()
    bank = detector.bank.double()
    distances = (features[:, None] - bank[:, :, None, None]).norm(dim=2).min(dim=1).values[:, None]
    expected = interpolate(distances, size=(64, 64), mode="bilinear", align_corners=False)
    torch.testing.assert_close(detector(images, PLAIN).anomaly_map.double(), expected, rtol=1e-4, atol=1e-3)


def test_without_reweighting_the_score_is_the_largest_distance_of_a_patch(training: Batches, tiny_config: Make):
    detector, images = prepared(training, tiny_config, reweighting_neighbours=1), torch.rand(2, 3, 64, 64)
    patches = rows_of(detector.patch_features(images))
    expected = torch.cdist(patches, detector.bank).min(dim=1).values.view(2, -1).amax(dim=1)
    torch.testing.assert_close(detector(images, PLAIN).score, expected, rtol=1e-4, atol=1e-3)


def test_reweighting_lowers_the_score_by_the_farthest_patchs_weight(training: Batches, tiny_config: Make):
    images = torch.rand(3, 3, 64, 64)
    plain = prepared(training, tiny_config, reweighting_neighbours=1)(images, PLAIN).score
    detector = prepared(training, tiny_config, reweighting_neighbours=9)
    patches = rows_of(detector.patch_features(images)).view(3, 64, -1)
    farthest = [image[torch.cdist(image, detector.bank).min(dim=1).values.argmax()] for image in patches]
    nearest = [torch.cdist(patch[None], detector.bank).argmin() for patch in farthest]
    weight = rarity_weight(torch.stack(farthest), detector.bank, torch.stack(nearest), count=9)
    torch.testing.assert_close(detector(images, PLAIN).score, weight * plain, rtol=1e-4, atol=1e-3)


def test_smoothing_changes_the_map_and_not_the_score(training: Batches, tiny_config: Make):
    detector, images = prepared(training, tiny_config), torch.rand(2, 3, 64, 64)
    plain, smoothed = (
        detector(images, PLAIN.model_copy(update={"smoothing_sigma_px": sigma_px})) for sigma_px in (0.0, 4.0)
    )
    assert torch.equal(plain.score, smoothed.score)
    expected = scipy.ndimage.gaussian_filter(plain.anomaly_map[0, 0].numpy(), 4.0, mode="reflect", truncate=4)
    torch.testing.assert_close(smoothed.anomaly_map[0, 0], torch.from_numpy(expected), rtol=1e-3, atol=1e-3)


def test_a_training_image_has_distance_zero_where_the_bank_keeps_every_patch(training: Batches, tiny_config: Make):
    detector = prepared(training, tiny_config, coreset_percent=100)
    image = next(iter(training)).views["original"]
    torch.testing.assert_close(detector(image, PLAIN).score, torch.zeros(4), rtol=0, atol=1e-3)


def test_matching_changes_the_test_image_and_not_the_bank(training: Batches, tiny_config: Make):
    detector, images = prepared(training, tiny_config), torch.rand(2, 3, 64, 64)
    matched = PLAIN.model_copy(update={"style_weight": 1.0})
    mix = detector.references.matching(matched, own_weight=0)
    patches = rows_of(detector.patch_features(images, mix))
    expected = torch.cdist(patches, detector.bank).min(dim=1).values.view(2, 1, 8, 8)
    found = detector(images, matched).anomaly_map
    torch.testing.assert_close(
        found, interpolate(expected, size=(64, 64), mode="bilinear", align_corners=False), rtol=1e-3, atol=1e-2
    )
    assert not torch.allclose(found, detector(images, PLAIN).anomaly_map)
