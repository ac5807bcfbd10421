from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gnl_core.adaptation.positions import (
    FLOOR_SHARE,
    NORMAL_DEVIATION,
    PositionStatistics,
    correlation,
    familiarity,
    fit_positions,
    position_agreement,
    standardise,
)


def flat(*values: float) -> Tensor:
    """Maps of one value each, shape (n, 1, 8, 8)."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)


def noise(count: int, *, seed: int = 0, size: int = 32) -> Tensor:
    return torch.randn(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


def test_three_maps_have_the_middle_one_as_their_median():
    statistics = fit_positions(flat(1, 9, 2))  # deviations 1, 7, 0
    torch.testing.assert_close(statistics.median, torch.full((8, 8), 2.0))
    torch.testing.assert_close(statistics.deviation, torch.full((8, 8), NORMAL_DEVIATION))


def test_four_maps_have_the_mean_of_the_middle_two_as_their_median():
    statistics = fit_positions(flat(9, 1, 4, 2))  # median 3; deviations 6, 2, 1, 1
    torch.testing.assert_close(statistics.median, torch.full((8, 8), 3.0))
    torch.testing.assert_close(statistics.deviation, torch.full((8, 8), 1.5 * NORMAL_DEVIATION))


def test_of_normally_distributed_maps_the_deviation_is_the_standard_deviation():
    statistics = fit_positions(5 + 2 * noise(2000, size=4))
    torch.testing.assert_close(statistics.median, torch.full((4, 4), 5.0), atol=0.2, rtol=0)
    torch.testing.assert_close(statistics.deviation, torch.full((4, 4), 2.0), atol=0.2, rtol=0)


def test_where_a_place_never_varies_the_deviation_has_a_floor():
    maps = flat(1, 2, 3).clone()
    maps[..., :2] = 7.0
    deviation = fit_positions(maps).deviation
    torch.testing.assert_close(deviation[:, 7], torch.full((8,), NORMAL_DEVIATION))
    torch.testing.assert_close(deviation[:, 0], torch.full((8,), FLOOR_SHARE * NORMAL_DEVIATION))


def test_from_a_single_map_only_the_median_is_known():
    statistics = fit_positions(flat(4))
    torch.testing.assert_close(statistics.median, torch.full((8, 8), 4.0))
    assert (statistics.deviation == 1).all()


def test_the_order_of_the_maps_has_no_influence():
    maps = noise(7)
    for part, other in zip(fit_positions(maps), fit_positions(maps.flip(0)), strict=True):
        assert torch.equal(part, other)


@pytest.mark.parametrize("anomalous", [1, 3])
def test_anomalies_in_fewer_than_half_of_the_maps_do_not_become_usual(anomalous: int):
    clean = noise(10)
    maps = clean.clone()
    maps[:anomalous, :, 8:16, 8:16] += 100
    statistics, expected = fit_positions(maps), fit_positions(clean)
    assert (statistics.median - expected.median).abs().max() < 2
    assert statistics.deviation.max() < 2 * expected.deviation.max()
    blob = standardise(maps, statistics, strength=1.0)[:, 0, 8:16, 8:16].amax(dim=(1, 2))
    assert blob[:anomalous].min() > 5 * blob[anomalous:].max()


def test_standardised_maps_count_deviations_from_the_median():
    statistics = PositionStatistics(torch.full((1, 1), 2.0), torch.full((1, 1), 4.0))
    maps = torch.tensor([6.0, 2.0, -2.0]).view(3, 1, 1, 1)
    assert standardise(maps, statistics, strength=1.0).flatten().tolist() == [1, 0, -1]
    assert standardise(maps, statistics, strength=0.5).flatten().tolist() == [2.5, 0.5, -1.5]  # (map - 1) / 2
    assert standardise(maps, statistics, strength=0.0) is maps


def test_maps_with_a_common_pattern_agree():
    pattern = noise(1, seed=1)
    assert position_agreement(pattern * torch.linspace(1, 2, 6).view(-1, 1, 1, 1)) == pytest.approx(1)
    assert position_agreement(pattern + 0.1 * noise(8)) > 0.95


def test_independent_maps_do_not_agree():
    assert abs(position_agreement(noise(16, size=64))) < 0.05


def test_three_maps_show_no_pattern():
    assert position_agreement(noise(1).expand(3, -1, -1, -1)) == 0


def test_the_agreement_is_the_same_in_any_order():
    maps = noise(1, seed=1) + noise(9)
    assert position_agreement(maps) == position_agreement(maps.flip(0))


def test_training_maps_are_familiar_to_maps_of_the_same_pattern():
    pattern = noise(1, seed=1)
    training = pattern + 0.1 * noise(5)
    assert familiarity(training, 3 * pattern + 7) > 0.95
    assert familiarity(training, -pattern) < -0.95
    assert abs(familiarity(training, noise(9, seed=2))) < 0.1


def test_the_correlation_with_a_constant_map_is_zero():
    pattern = noise(1)[0, 0]
    assert correlation(pattern, torch.stack([pattern, -pattern, torch.ones(32, 32)])).tolist() == pytest.approx(
        [1, -1, 0]
    )
