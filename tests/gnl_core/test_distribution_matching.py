from __future__ import annotations

import numpy as np
import pytest
import torch

from gnl_core import distribution_matching
from gnl_core.distribution_matching import (
    Mixing,
    efdm,
    match_distribution,
    mixstyle,
    nearest_reference,
    rank_positions,
    resample_quantiles,
    sort_features,
)


def channel(*values: float) -> torch.Tensor:
    """One image with one channel of 2x2 values."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 2, 2)


def test_sorting_keeps_images_and_channels_apart():
    features = torch.tensor([[[[3.0, 1.0]], [[0.0, 9.0]]], [[[5.0, 4.0]], [[7.0, 6.0]]]])
    expected = torch.tensor([[[1.0, 3.0], [0.0, 9.0]], [[4.0, 5.0], [6.0, 7.0]]])
    assert torch.equal(sort_features(features), expected)


def test_strength_zero_is_the_identity_bit_for_bit():
    features = torch.randn(2, 3, 4, 5)
    reference = torch.full((3, 20), torch.inf)
    assert torch.equal(match_distribution(features, reference, style_weight=0.0), features)


def test_strength_one_gives_exactly_the_references_values():
    features, reference = torch.randn(2, 3, 4, 5), 10 * torch.randn(3, 20).sort().values
    matched = match_distribution(features, reference, style_weight=1.0)
    assert torch.equal(sort_features(matched), reference.expand(2, 3, 20))


def test_half_strength_lies_half_way():
    # sorted 0 1 2 3 meets 10 20 30 40: half-way are 5, 10.5, 16 and 21.5, each at its value's place
    matched = match_distribution(channel(3, 1, 2, 0), torch.tensor([[10.0, 20.0, 30.0, 40.0]]), style_weight=0.5)
    assert torch.equal(matched, channel(21.5, 10.5, 16, 5))


def test_a_quarter_strength_leans_to_the_feature():
    # 0.75 * (0, 1, 2, 3) + 0.25 * (10, 20, 30, 40)
    matched = match_distribution(channel(3, 1, 2, 0), torch.tensor([[10.0, 20.0, 30.0, 40.0]]), style_weight=0.25)
    assert torch.equal(matched, channel(12.25, 5.75, 9, 2.5))


@pytest.mark.parametrize("style_weight", [0.1, 0.5, 0.9, 1.0])
def test_ranks_never_change(style_weight: float):
    features, reference = torch.randn(2, 3, 6, 6), torch.randn(3, 36).sort().values
    matched = match_distribution(features, reference, style_weight=style_weight)
    assert torch.equal(matched.flatten(2).argsort(dim=2), features.flatten(2).argsort(dim=2))


def test_tied_values_take_their_order_of_position():
    matched = match_distribution(channel(1, 1, 0, 1), torch.tensor([[10.0, 20.0, 30.0, 40.0]]), style_weight=1.0)
    assert torch.equal(matched, channel(20, 30, 10, 40))


def test_a_constant_map_takes_the_references_values_in_order_of_position():
    reference = torch.arange(400.0)[None]  # long enough for an unstable sort to reorder ties
    matched = match_distribution(torch.zeros(1, 1, 20, 20), reference, style_weight=1.0)
    assert torch.equal(matched.flatten(), reference[0])


def test_ranks_are_those_of_a_stable_sort_also_of_negative_values_zeros_of_both_signs_and_infinities():
    values = torch.randn(2, 3, 200).round(decimals=1)
    values[..., ::7], values[..., 1::7], values[0, 0, 2], values[0, 1, 3] = 0.0, -0.0, torch.inf, -torch.inf
    assert torch.equal(rank_positions(values), values.sort(dim=2, stable=True).indices)


@pytest.mark.parametrize("cached", [1, 50, 300, 10_000])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_maps_are_matched_alike_in_parts_and_keep_their_layout(
    monkeypatch: pytest.MonkeyPatch, cached: int, memory_format: torch.memory_format
):
    features = torch.randn(3, 4, 5, 6).contiguous(memory_format=memory_format)
    reference = torch.randn(3, 4, 30).sort(dim=2).values
    expected = match_distribution(features.double(), reference.double(), style_weight=1.0).float()
    monkeypatch.setattr(distribution_matching, "CACHED_VALUES", cached)
    matched = match_distribution(features, reference, style_weight=1.0)
    assert torch.equal(matched, expected)
    assert matched.is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0)])
def test_maps_that_are_views_of_others_are_matched_as_copies_are(order: tuple[int, ...]):
    features = torch.randn(4, 4, 4, 4).permute(order)[:, :, 1:]
    reference = torch.randn(4, 12).sort(dim=1).values
    matched = match_distribution(features, reference, style_weight=1.0)
    assert torch.equal(matched, match_distribution(features.clone(), reference, style_weight=1.0))


def test_maps_in_16_bits_are_matched_in_16_bits():
    features, reference = torch.randn(2, 3, 4, 4).bfloat16(), torch.randn(3, 16).sort().values
    matched = match_distribution(features, reference, style_weight=1.0)
    assert matched.dtype == torch.bfloat16
    assert torch.equal(sort_features(matched.float()), reference.bfloat16().float().expand(2, 3, 16))


def test_its_own_distribution_changes_nothing():
    features = torch.randn(1, 3, 4, 4)
    matched = match_distribution(features, sort_features(features)[0], style_weight=1.0)
    assert torch.equal(matched, features)


def test_each_channel_meets_its_own_reference():
    features = torch.tensor([[[[1.0, 2.0]], [[4.0, 3.0]]]])
    reference = torch.tensor([[10.0, 20.0], [300.0, 400.0]])
    expected = torch.tensor([[[[10.0, 20.0]], [[400.0, 300.0]]]])
    assert torch.equal(match_distribution(features, reference, style_weight=1.0), expected)


def test_an_image_is_matched_alike_alone_and_in_a_batch():
    features, reference = torch.randn(4, 3, 4, 4), torch.randn(3, 16).sort().values
    together = match_distribution(features, reference, style_weight=0.7)
    alone = match_distribution(features[2:3], reference, style_weight=0.7)
    assert torch.equal(together[2:3], alone)


def test_maps_that_lie_channels_last_in_memory_are_matched_alike():
    features, reference = torch.randn(2, 3, 4, 5), torch.randn(3, 20).sort().values
    expected = match_distribution(features, reference, style_weight=0.5)
    channels_last = features.contiguous(memory_format=torch.channels_last)
    assert torch.equal(match_distribution(channels_last, reference, style_weight=0.5), expected)


def test_a_reference_with_other_channels_is_refused():
    with pytest.raises(ValueError, match="2 channels but the reference has 3"):
        match_distribution(torch.ones(1, 2, 2, 2), torch.ones(3, 4), style_weight=0.5)


def test_a_reference_with_other_channels_is_refused_at_strength_zero_too():
    with pytest.raises(ValueError, match="channels"):
        match_distribution(torch.ones(1, 2, 2, 2), torch.ones(3, 4), style_weight=0.0)


def test_a_smaller_reference_is_stretched_between_its_ends():
    assert resample_quantiles(torch.tensor([[0.0, 10.0, 20.0]]), count=5).tolist() == [[0, 5, 10, 15, 20]]


def test_a_larger_reference_is_thinned_between_its_ends():
    assert resample_quantiles(torch.tensor([[0.0, 1.0, 5.0, 9.0, 20.0]]), count=3).tolist() == [[0, 5, 20]]


def test_a_reference_of_the_same_size_is_read_as_it_is():
    values = torch.randn(3, 7).sort().values
    assert torch.equal(resample_quantiles(values, count=7), values)


@pytest.mark.parametrize("count", [4, 9, 31])
def test_resampling_reads_numpys_quantiles(count: int):
    values = torch.randn(2, 13, dtype=torch.float64).sort().values
    expected = np.quantile(values.numpy(), np.linspace(0, 1, count), axis=1).T
    np.testing.assert_allclose(resample_quantiles(values, count=count).numpy(), expected, atol=1e-12)


def test_an_image_of_another_size_is_matched_to_the_references_quantiles():
    reference = torch.tensor([[0.0, 30.0]])
    matched = match_distribution(channel(3, 1, 2, 0), reference, style_weight=1.0)
    torch.testing.assert_close(matched, channel(30, 10, 20, 0))


def test_each_image_can_have_a_reference_of_its_own():
    features = torch.tensor([[[[1.0, 2.0]]], [[[4.0, 3.0]]]])
    references = torch.tensor([[[10.0, 20.0]], [[300.0, 400.0]]])
    expected = torch.tensor([[[[10.0, 20.0]]], [[[400.0, 300.0]]]])
    assert torch.equal(match_distribution(features, references, style_weight=1.0), expected)


def test_the_nearest_reference_is_chosen_by_the_squared_distance_of_sorted_values():
    references = torch.tensor([[[0.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 4.0]], [[1.0, 1.0, 1.0, 2.0]]])
    features = torch.cat([channel(0, 3, 0, 0), channel(1.5, 1, 0.5, 1), channel(0.1, 0, 0, -0.1)])
    assert torch.equal(nearest_reference(features, references), references[[1, 2, 0]])


def test_references_of_another_size_are_compared_at_their_quantiles():
    references = torch.tensor([[[0.0, 20.0]], [[100.0, 120.0]]])
    found = nearest_reference(torch.tensor([[[[110.0, 90.0, 130.0]]]]), references)
    assert found.tolist() == [[[100, 110, 120]]]


@pytest.mark.parametrize("mixing", [mixstyle, efdm])
def test_an_image_that_keeps_all_of_its_own_style_stays_as_it_is(mixing: Mixing):
    features, partner = torch.randn(2, 3, 4, 5), 7 + 3 * torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(mixing(features, partner, own_share=torch.ones(2)), features)


@pytest.mark.parametrize("mixing", [mixstyle, efdm])
def test_an_image_that_is_its_own_partner_stays_as_it_is(mixing: Mixing):
    features = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(mixing(features, features, own_share=torch.tensor([0.3, 0.8])), features)


@pytest.mark.parametrize("mixing", [mixstyle, efdm])
def test_each_image_has_a_share_of_its_own(mixing: Mixing):
    features, partner = torch.randn(3, 2, 4, 4), 5 + 2 * torch.randn(3, 2, 4, 4)
    shares = torch.tensor([1.0, 0.25, 0.0])
    together = mixing(features, partner, own_share=shares)
    alone = [mixing(features[[row]], partner[[row]], own_share=shares[[row]]) for row in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))
    assert not torch.allclose(together[1], features[1])


@pytest.mark.parametrize("mixing", [mixstyle, efdm])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_mixing_keeps_ranks(mixing: Mixing, share: float):
    features, partner = torch.randn(2, 3, 5, 5), 4 - 2 * torch.randn(2, 3, 5, 5)
    mixed = mixing(features, partner, own_share=torch.full((2,), share))
    assert torch.equal(mixed.flatten(2).argsort(dim=2), features.flatten(2).argsort(dim=2))


def test_mixstyle_without_an_own_share_has_the_partners_mean_and_deviation():
    features, partner = torch.randn(2, 3, 6, 6), 5 + 3 * torch.randn(2, 3, 6, 6)
    mixed = mixstyle(features, partner, own_share=torch.zeros(2))
    torch.testing.assert_close(mixed.mean(dim=(2, 3)), partner.mean(dim=(2, 3)))
    torch.testing.assert_close(mixed.std(dim=(2, 3)), partner.std(dim=(2, 3)))


def test_mixstyle_mixes_means_and_deviations_by_hand():
    # 0 0 2 2 has mean 1 and deviation 1; 10 10 16 16 has 13 and 3. A quarter own: mean 10, deviation 2.5
    mixed = mixstyle(channel(0, 2, 2, 0), channel(10, 10, 16, 16), own_share=torch.tensor([0.25]))
    torch.testing.assert_close(mixed, channel(7.5, 12.5, 12.5, 7.5), rtol=1e-5, atol=1e-4)


def test_mixstyle_moves_a_constant_channel_without_dividing_by_zero():
    mixed = mixstyle(channel(4, 4, 4, 4), channel(1, 2, 3, 4), own_share=torch.zeros(1))
    torch.testing.assert_close(mixed, channel(2.5, 2.5, 2.5, 2.5))


def test_efdm_without_an_own_share_has_exactly_the_partners_values():
    features, partner = torch.randn(2, 3, 6, 6), torch.randn(2, 3, 6, 6).exp()
    mixed = efdm(features, partner, own_share=torch.zeros(2))
    assert torch.equal(sort_features(mixed), sort_features(partner))


def test_efdm_mixes_sorted_values_by_hand():
    # sorted 0 1 2 3 meets 10 20 30 40: a quarter own gives 7.5, 15.25, 23 and 30.75, each at its value's place
    mixed = efdm(channel(3, 1, 2, 0), channel(20, 40, 10, 30), own_share=torch.tensor([0.25]))
    assert torch.equal(mixed, channel(30.75, 15.25, 23, 7.5))


def test_where_two_distributions_differ_in_mean_and_deviation_alone_both_mixings_agree():
    features = torch.randn(2, 3, 6, 6)
    partner = 5 + 3 * features.flatten(2)[:, :, torch.randperm(36)].view_as(features)
    share = torch.tensor([0.2, 0.7])
    expected = efdm(features, partner, own_share=share)
    torch.testing.assert_close(mixstyle(features, partner, own_share=share), expected, rtol=1e-4, atol=1e-4)
