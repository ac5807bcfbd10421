from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch

from gnl_core.anomaly_map import anomaly_map, image_score, smooth, stage_map
from gnl_core.cells import CellGrid

EVENLY = [None]


def test_equal_features_give_a_zero_map():
    maps = [torch.randn(2, 3, size, size) for size in (8, 4, 2)]
    result = anomaly_map(maps, maps, size=(32, 32), grids=EVENLY * 3)
    torch.testing.assert_close(result, torch.zeros(2, 1, 32, 32), atol=1e-5, rtol=0)


def test_the_map_is_never_negative():
    maps = [torch.randn(2, 7, size, size) for size in (16, 8, 4)]
    assert anomaly_map(maps, [3 * m for m in maps], size=(32, 32), grids=EVENLY * 3).min() >= 0


def test_a_stage_map_is_the_cosine_distance_at_each_position():
    # vectors over the two channels: (1,0)-(5,0), (1,0)-(0,1), (1,0)-(-1,0) and (3,4)-(4,3) with cos = 24 / 25
    teacher = torch.tensor([[[[1.0, 1.0], [1.0, 3.0]], [[0.0, 0.0], [0.0, 4.0]]]])
    student = torch.tensor([[[[5.0, 0.0], [-1.0, 4.0]], [[0.0, 1.0], [0.0, 3.0]]]])
    torch.testing.assert_close(stage_map(teacher, student), torch.tensor([[[[0.0, 1.0], [2.0, 0.04]]]]))


def distance_maps(distances: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two-channel features whose cosine distance at each position is as given, shape (B, 1, H, W)."""
    teacher = torch.cat([torch.ones_like(distances), torch.zeros_like(distances)], dim=1)
    cosine = 1 - distances
    return teacher, torch.cat([cosine, (1 - cosine**2).sqrt()], dim=1)


def test_a_stage_map_is_enlarged_bilinearly():
    # the centres of 4 pixels lie at -1/4, 1/4, 3/4 and 5/4 of 2 pixels; beyond the ends the value stays
    teacher, student = distance_maps(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))
    result = anomaly_map([teacher], [student], size=(4, 4), grids=EVENLY)
    torch.testing.assert_close(result, torch.tensor([0.0, 0.25, 0.75, 1.0]).expand(1, 1, 4, 4))


def test_rows_are_enlarged_as_columns_are():
    teacher, student = distance_maps(torch.tensor([[[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]]))
    result = anomaly_map([teacher], [student], size=(4, 3), grids=EVENLY)
    torch.testing.assert_close(result, torch.tensor([0.0, 0.25, 0.75, 1.0]).view(1, 1, 4, 1).expand(1, 1, 4, 3))


def test_the_map_sums_the_stages_at_the_images_size():
    stages = [torch.full((1, 1, 4, 6), 0.5), torch.full((1, 1, 2, 3), 1.0), torch.full((1, 1, 1, 1), 0.25)]
    pairs = [distance_maps(stage) for stage in stages]
    result = anomaly_map([t for t, _ in pairs], [s for _, s in pairs], size=(28, 40), grids=EVENLY * 3)
    torch.testing.assert_close(result, torch.full((1, 1, 28, 40), 1.75))


@pytest.mark.parametrize(("aligned", "expected"), [(True, [0, 1 / 3, 2 / 3, 1]), (False, [0, 0.25, 0.75, 1])])
def test_corner_values_are_at_the_images_corners_or_in_the_middle_of_their_area(aligned: bool, expected: list[float]):
    teacher, student = distance_maps(torch.tensor([[[[0.0, 1.0]]]]))
    found = anomaly_map([teacher], [student], size=(1, 4), grids=EVENLY, align_corners=aligned)
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_a_value_is_in_the_middle_of_its_cell_for_any_offset_of_the_cells():
    # cells of 2 pixels whose first begins a pixel above: their middles lie at -0.5, 1.5 and 3.5 of pixels 0 to 3
    teacher, student = distance_maps(torch.tensor([[[[0.0], [1.0], [0.0]]]]))
    found = anomaly_map([teacher], [student], size=(4, 1), grids=[CellGrid(2, above=1)])
    assert found.flatten().tolist() == pytest.approx([0.25, 0.75, 0.75, 0.25], abs=1e-6)


def test_aligned_corners_are_at_the_images_corners_for_any_position_of_the_cells():
    teacher, student = distance_maps(torch.tensor([[[[0.0, 1.0]]]]))
    found = anomaly_map([teacher], [student], size=(1, 3), grids=[CellGrid(2, left=1)], align_corners=True)
    assert found.flatten().tolist() == pytest.approx([0, 0.5, 1], abs=1e-6)


def test_a_missing_stage_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        anomaly_map([torch.ones(1, 1, 2, 2)] * 3, [torch.ones(1, 1, 2, 2)] * 2, size=(4, 4), grids=EVENLY * 3)


def test_without_smoothing_the_map_does_not_change():
    found = torch.rand(2, 1, 6, 8)
    assert torch.equal(smooth(found, sigma_px=0.0), found)


@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 1.5, 4.0])
def test_smoothing_is_scipys_gaussian_filter(sigma_px: float):
    found = torch.rand(2, 1, 40, 30)
    expected = [scipy.ndimage.gaussian_filter(m, sigma_px) for m in found[:, 0].numpy()]
    np.testing.assert_allclose(smooth(found, sigma_px=sigma_px)[:, 0].numpy(), expected, atol=1e-5)


def test_smoothing_a_small_map_reaches_as_far_as_mirroring_can():
    found = torch.rand(1, 1, 6, 9)
    expected = scipy.ndimage.gaussian_filter(found[0, 0].numpy(), 4.0, radius=6)
    np.testing.assert_allclose(smooth(found, sigma_px=4.0)[0, 0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("sigma_px", [0.01, 2.0, 64.0])
def test_smoothing_keeps_a_constant_map(sigma_px: float):
    found = torch.full((1, 1, 28, 33), 0.7)
    torch.testing.assert_close(smooth(found, sigma_px=sigma_px), found)


def test_the_score_is_each_maps_maximum():
    found = torch.zeros(3, 1, 4, 4)
    found[0, 0, 3, 3], found[1, 0, 0, 2], found[1, 0, 1, 1] = 5, 2, 1
    assert image_score(found).tolist() == [5, 2, 0]


def test_the_mean_reduction_is_each_maps_mean():
    found = torch.rand(2, 1, 4, 5)
    np.testing.assert_allclose(
        image_score(found, reduction="mean").numpy(), found.numpy().mean(axis=(1, 2, 3)), atol=1e-6
    )


@pytest.mark.parametrize(("percent", "expected"), [(10, 19.5), (20, 18.5), (1, 20), (100, 10.5)])
def test_the_top_reduction_is_the_mean_of_the_highest_values(percent: float, expected: float):
    found = torch.arange(1.0, 21)[torch.randperm(20)].view(1, 1, 4, 5)
    score = image_score(found, reduction="top", top_percent=percent)
    assert score.item() == pytest.approx(expected)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="unknown reduction 'median'; choose one of: maximum, mean, top"):
        image_score(torch.rand(1, 1, 2, 2), reduction="median")


def test_a_feature_whose_norm_overflows_has_no_distance():
    teacher, student = torch.ones(1, 2, 1, 2), torch.ones(1, 2, 1, 2)
    student[..., 0] = 1e25  # its square is beyond 32 bits; PyTorch's cosine is 0 there
    distances = stage_map(teacher, student)
    assert distances[..., 0].isnan().all()
    assert distances[..., 1].item() == pytest.approx(0, abs=1e-6)


COUNTED = torch.tensor([[True, True, False], [False, True, False]])[None, None]
VALUES = torch.tensor([[1.0, 2.0, 9.0], [8.0, 4.0, 7.0]])[None, None]


@pytest.mark.parametrize(
    ("reduction", "top_percent", "expected"),
    [("maximum", 10.0, 4.0), ("mean", 10.0, 7 / 3), ("top", 67.0, 3.0), ("top", 1.0, 4.0), ("top", 100.0, 7 / 3)],
)
def test_a_score_is_reduced_from_the_positions_that_count(reduction: str, top_percent: float, expected: float):
    score = image_score(VALUES, reduction=reduction, top_percent=top_percent, counted=COUNTED)
    assert score.tolist() == pytest.approx([expected])


@pytest.mark.parametrize("reduction", ["maximum", "mean", "top"])
def test_if_all_positions_count_the_score_is_the_usual_one(reduction: str):
    maps = torch.rand(3, 1, 20, 30)
    everywhere = torch.ones(1, 1, 20, 30, dtype=torch.bool)
    torch.testing.assert_close(
        image_score(maps, reduction=reduction, counted=everywhere), image_score(maps, reduction=reduction)
    )


def test_each_image_may_count_other_positions():
    maps = torch.arange(8.0).view(2, 1, 2, 2)
    counted = torch.tensor([[[1, 0], [0, 0]], [[1, 1], [0, 0]]], dtype=torch.bool)[:, None]
    assert image_score(maps, reduction="mean", counted=counted).tolist() == [0.0, 4.5]
    assert image_score(maps, reduction="top", top_percent=50.0, counted=counted).tolist() == [0.0, 5.0]
