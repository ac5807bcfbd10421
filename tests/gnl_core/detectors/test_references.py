from __future__ import annotations

from collections import Counter

import pytest
import scipy.stats
import torch
from torch import Tensor

from gnl_core.detectors.references import choose_references


def greys(count: int) -> Tensor:
    """Images of one grey each: 0, 1, 2, …"""
    return torch.arange(float(count)).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def chosen(count: int, of: int, seed: int) -> list[int]:
    return choose_references(iter(greys(of)), count=count, seed=seed)[:, 0, 0, 0].int().tolist()


def test_the_same_seed_chooses_the_same_references():
    assert chosen(5, of=50, seed=3) == chosen(5, of=50, seed=3)


def test_another_seed_chooses_other_references():
    assert len({tuple(chosen(5, of=50, seed=seed)) for seed in range(10)}) == 10


def test_no_reference_is_chosen_twice_while_there_are_enough():
    assert sorted(chosen(7, of=7, seed=0)) == list(range(7))


def test_references_repeat_where_there_are_fewer_images():
    numbers = chosen(8, of=3, seed=0)
    assert sorted(Counter(numbers).values()) == [2, 3, 3]
    assert numbers[:3] == numbers[3:6]


def test_every_image_is_as_likely_a_reference():
    counts = Counter(chosen(1, of=4, seed=seed)[0] for seed in range(400))
    assert len(counts) == 4
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 0.01


def test_without_images_there_is_no_reference():
    with pytest.raises(ValueError, match="no training image"):
        choose_references(iter([]), count=2, seed=0)
