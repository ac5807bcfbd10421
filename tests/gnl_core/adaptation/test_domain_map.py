from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gnl_core.adaptation.domain_map import (
    LARGEST_SLOPE,
    ChannelMap,
    apply_channel_map,
    fit_channel_map,
    interpolate,
    sampling_noise,
    shrinkage,
    spread_excess,
)
from gnl_core.distribution_matching import sort_features

SEEDS = range(30)


def ramps(count: int, *, scale: float = 1.0, offset: float = 0.0, size: int = 64) -> Tensor:
    """Images of one channel that all hold the same evenly spaced values, shape (count, 1, size)."""
    return (scale * torch.linspace(0, 1, size) + offset).expand(count, 1, size)


def clouds(count: int, *, seed: int, shift: float = 0.0, channels: int = 4) -> Tensor:
    """Images that differ in their mean by 1 and in their pixels by 1, both normally distributed, in each channel."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(count, channels, 1, generator=generator)
    return shift + means + torch.randn(count, channels, 200, generator=generator)


def carry(features: Tensor, channel_map: ChannelMap, *, strength: float = 1.0) -> Tensor:
    """Apply a map to features of shape (n, C, M)."""
    return apply_channel_map(features[..., None], channel_map, strength=strength)[..., 0]


def test_twice_the_reference_plus_one_is_carried_back():
    channel_map = fit_channel_map(ramps(3, scale=2, offset=1), ramps(3))
    assert channel_map.displacement.tolist() == [1]
    torch.testing.assert_close(carry(ramps(1, scale=2, offset=1), channel_map), ramps(1))


def test_each_channel_has_its_own_map():
    references = torch.cat([ramps(3), ramps(3)], dim=1)
    target = torch.cat([ramps(3, scale=2, offset=1), ramps(3, scale=0.5, offset=-3)], dim=1)
    torch.testing.assert_close(carry(target, fit_channel_map(target, references)), references[:1].expand(3, 2, 64))


def test_a_bent_domain_is_straightened():
    target = ramps(3, size=2000).exp()
    carried = carry(target, fit_channel_map(target, ramps(3, size=2000)))
    torch.testing.assert_close(carried, ramps(3, size=2000), atol=0.01, rtol=0)


def test_beyond_the_ends_the_map_goes_on_with_the_slope_of_the_whole():
    channel_map = fit_channel_map(ramps(3, scale=2, offset=1), ramps(3))
    carried = carry(torch.tensor([[[-9.0, 11.0]]]), channel_map)
    torch.testing.assert_close(carried, torch.tensor([[[-5.0, 5.0]]]))


@pytest.mark.parametrize(("scale", "slope"), [(0.01, LARGEST_SLOPE), (100.0, 1 / LARGEST_SLOPE)])
def test_the_slope_beyond_the_ends_is_limited(scale: float, slope: float):
    channel_map = fit_channel_map(ramps(3, scale=scale, offset=1), ramps(3))
    assert channel_map.slope.item() == pytest.approx(slope)


def test_the_zeros_of_a_rectified_channel_stay_zeros():
    rectified = ramps(3, scale=2, offset=-1, size=200).clamp_min(0)
    channel_map = fit_channel_map(3 * rectified, rectified)
    torch.testing.assert_close(carry(torch.tensor([[[0.0, 3.0]]]), channel_map), torch.tensor([[[0.0, 1.0]]]))


def test_interpolation_takes_the_middle_where_knots_coincide():
    knots, values = torch.tensor([[0.0, 1.0, 1.0, 2.0]]), torch.tensor([[0.0, 10.0, 20.0, 30.0]])
    read = interpolate(torch.tensor([[0.0, 0.5, 1.0, 1.5, 2.0, 3.0]]), knots, values)
    torch.testing.assert_close(read, torch.tensor([[0.0, 5.0, 15.0, 25.0, 30.0, 30.0]]))


def test_a_channel_that_is_constant_is_only_shifted():
    target = torch.cat([torch.full((3, 1, 64), 7.0), ramps(3, scale=2)], dim=1)
    channel_map = fit_channel_map(target, ramps(3).repeat(1, 2, 1))
    assert all(part.isfinite().all() for part in channel_map)
    carried = carry(torch.tensor([[[6.0, 7.0, 9.0], [0.0, 1.0, 2.0]]]), channel_map)
    torch.testing.assert_close(carried, torch.tensor([[[-0.5, 0.5, 2.5], [0.0, 0.5, 1.0]]]))


def test_a_channel_that_is_constant_in_both_domains_is_left_as_it_is():
    target = torch.cat([torch.zeros(3, 1, 64), ramps(3, scale=2)], dim=1)
    references = torch.cat([torch.zeros(3, 1, 64), ramps(3)], dim=1)
    values = torch.tensor([[[-1.0, 0.0, 2.0]]]).repeat(1, 2, 1)
    torch.testing.assert_close(carry(values, fit_channel_map(target, references))[:, 0], values[:, 0])


def test_images_without_any_variation_are_refused():
    with pytest.raises(ValueError, match="the same features everywhere"):
        fit_channel_map(torch.ones(5, 2, 64), ramps(3).repeat(1, 2, 1))


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="2 channels but the references have 1"):
        fit_channel_map(ramps(3).repeat(1, 2, 1), ramps(3))


def test_the_map_of_a_domain_to_itself_is_the_identity():
    images = clouds(6, seed=0)
    channel_map = fit_channel_map(images, sort_features(images[..., None]))
    assert channel_map.displacement.tolist() == [0, 0, 0, 0]
    torch.testing.assert_close(carry(images * 3, channel_map), images * 3)


def test_equal_domains_are_left_alone_up_to_noise():
    shares, changes = [], []
    for seed in SEEDS:
        images = clouds(16, seed=seed)
        channel_map = fit_channel_map(images, clouds(8, seed=1000 + seed).sort(dim=2).values)
        shares.append(channel_map.displacement.mean())
        changes.append((carry(images, channel_map) - images).mean())
    error = torch.stack(changes).std() / math.sqrt(len(changes))
    assert torch.stack(shares).mean() < 0.3
    assert torch.stack(changes).mean().abs() < 3 * error
    assert torch.stack(changes).square().mean() < (1 / 16 + 1 / 8) / 4  # variance of the difference of the means


def test_a_shift_that_one_image_could_show_by_chance_counts_less_than_one_that_many_show():
    shares = {
        count: torch.stack(
            [
                fit_channel_map(
                    clouds(count, seed=seed, shift=1.5), clouds(8, seed=1000 + seed).sort(dim=2).values
                ).displacement.mean()
                for seed in SEEDS
            ]
        ).mean()
        for count in (1, 4, 16)
    }
    assert shares[1] < shares[4] < shares[16]
    assert shares[16] > 0.8


@pytest.mark.parametrize("strength", [0.3, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_values_of_a_channel_keep_their_order_across_images(seed: int, strength: float):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(5, 3, 50, generator=generator).exp().mul(4).round().div(4)  # with many ties
    references = torch.randn(4, 3, 80, generator=generator).sort(dim=2).values
    seen = 3 * torch.randn(7, 3, 60, generator=generator)
    carried = carry(seen, fit_channel_map(target, references), strength=strength)
    order = seen.transpose(0, 1).flatten(1).argsort(dim=1)
    steps = carried.transpose(0, 1).flatten(1).gather(1, order).diff(dim=1)
    assert steps.min() >= -1e-5


def test_the_order_of_the_images_has_no_influence():
    images, references = clouds(9, seed=0, shift=2), clouds(5, seed=1).sort(dim=2).values
    there, back = fit_channel_map(images, references), fit_channel_map(images.flip(0), references)
    for part, other in zip(there, back, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-5, atol=1e-6)


def test_a_displacement_that_noise_explains_in_part_is_undone_in_part():
    references = ramps(3) + torch.tensor([-1.0, 0.0, 1.0])[:, None, None]
    channel_map = fit_channel_map(2 * references + 1, references)
    share = channel_map.displacement.item()
    assert 0.2 < share < 0.8
    values = torch.tensor([[[-20.0, 0.0, 1.0, 3.0, 20.0]]])
    carried_out = (values - 1) / 2
    torch.testing.assert_close(
        carry(values, channel_map), (1 - share) * values + share * carried_out, atol=0.02, rtol=0
    )


def test_strength_carries_features_a_part_of_the_way():
    channel_map = fit_channel_map(ramps(3, scale=2, offset=1), ramps(3))
    features = ramps(1, scale=2, offset=1)
    torch.testing.assert_close(carry(features, channel_map, strength=0.25), 0.75 * features + 0.25 * ramps(1))
    assert torch.equal(carry(features, channel_map, strength=0), features)


def test_shrinkage_is_one_minus_noise_over_square_and_never_negative():
    difference = torch.tensor([[3.0, -3.0], [1.0, 1.0], [0.0, 0.0]])
    assert shrinkage(difference, noise=torch.tensor([1.8, 2.0, 0.0])).tolist() == pytest.approx([0.8, 0, 0])


def grey(*values: float) -> Tensor:
    """Images of one channel and one value each, shape (n, 1, 1)."""
    return torch.tensor(values, dtype=torch.float32)[:, None, None]


def test_the_noise_is_each_domains_variance_over_its_number():
    references = grey(1, 3, 5)  # variance 4
    eight = grey(0, 2, 0, 2, 0, 2, 0, 2)  # variance 8 / 7
    assert sampling_noise(eight, references).item() == pytest.approx(8 / 7 / 8 + 4 / 3)


def test_few_images_are_taken_to_vary_at_least_as_the_references():
    assert sampling_noise(grey(0, 2), grey(1, 3, 5)).item() == pytest.approx(4 / 2 + 4 / 3)
    assert sampling_noise(grey(0), grey(1, 3, 5)).item() == pytest.approx(4 + 4 / 3)


def test_a_single_reference_takes_the_variance_of_the_target():
    assert sampling_noise(grey(1, 3, 5), grey(0)).item() == pytest.approx(4 / 3 + 4)
    assert sampling_noise(grey(1), grey(0)).item() == 0


def test_equal_spread_has_no_excess_and_tenfold_spread_nine_tenths():
    references = grey(1, 2, 3, 4)
    assert spread_excess(references + 5, references) == pytest.approx(0, abs=1e-6)
    assert spread_excess(10 * references, references) == pytest.approx(0.9)
    assert spread_excess(references / 10, references) == 0


def test_the_spread_of_three_images_is_not_known():
    assert spread_excess(grey(1, 20, 300), grey(1, 2, 3, 4)) == 0
    assert spread_excess(grey(1, 20, 300, 4000), grey(1, 2, 3)) == 0
