from __future__ import annotations

import pytest
import torch

from gnl_core.shift_score import has_spread, shift_score

REFERENCES = torch.tensor([[[0.0, 2.0]], [[2.0, 4.0]]])  # mean 1, 3; variance 2 at each place


def test_the_references_own_mean_is_no_shift():
    assert shift_score(torch.tensor([[1.0, 3.0]]), REFERENCES) == 0


def test_a_distance_counts_in_the_references_own_spread():
    # (4 - 1)^2 and (4 - 3)^2: root of the mean is sqrt(5); the spread is sqrt(2)
    assert shift_score(torch.tensor([[4.0, 4.0]]), REFERENCES).item() == pytest.approx((5 / 2) ** 0.5)


def test_it_does_not_depend_on_a_channels_unit_or_origin():
    references, domain = torch.randn(5, 7, 9), torch.randn(7, 9)
    scale, shift = torch.rand(7, 1) + 0.5, torch.randn(7, 1)
    expected = shift_score(domain, references)
    torch.testing.assert_close(shift_score(scale * domain + shift, scale * references + shift), expected)


def test_the_median_channel_decides():
    references = REFERENCES.expand(2, 3, 2)
    domain = torch.tensor([[1.0, 3.0], [4.0, 4.0], [1e6, 1e6]])
    assert shift_score(domain, references).item() == pytest.approx((5 / 2) ** 0.5)


def test_constant_channels_are_ignored():
    references = torch.cat([REFERENCES, torch.full((2, 1, 2), 7.0)], dim=1)
    assert shift_score(torch.tensor([[1.0, 3.0], [9.0, 9.0]]), references) == 0


@pytest.mark.parametrize("references", [torch.full((2, 1, 2), 7.0), REFERENCES[:1], REFERENCES[:0]])
def test_references_without_a_spread_give_no_shift_score(references: torch.Tensor):
    assert not has_spread(references)
    with pytest.raises(ValueError, match=f"needs references that differ, got {len(references)} without any spread"):
        shift_score(torch.tensor([[9.0, 9.0]]), references)


def test_two_different_references_have_a_spread():
    assert has_spread(REFERENCES)
