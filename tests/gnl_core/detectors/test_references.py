from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable

import pytest
import scipy.stats
import torch
from torch import Tensor

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.references import References, choose_references
from gnl_core.distribution_matching import sort_features
from gnl_core.models.teachers import Teacher


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


def test_if_there_are_fewer_images_each_is_chosen_once():
    assert sorted(chosen(8, of=3, seed=0)) == [0, 1, 2]


def test_every_image_is_as_likely_a_reference():
    counts = Counter(chosen(1, of=4, seed=seed)[0] for seed in range(400))
    assert len(counts) == 4
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 0.01


def test_without_images_there_is_no_reference():
    with pytest.raises(ValueError, match="no training image"):
        choose_references(iter([]), count=2, seed=0)


@pytest.fixture(scope="module")
def make_references(teacher: Teacher, tiny_config: Callable[..., RunConfig]) -> Callable[..., References]:
    """References that keep some images."""

    def make(images: Tensor, *, count: int) -> References:
        references = References(teacher, tiny_config(stored_references=count, reference_count=1))
        references.keep(teacher, images)
        return references

    return make


ASKED = ScoringConfig(style_weight=1.0, reference_count=8)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def match_first_stage(references: References, teacher: Teacher, images: Tensor) -> Tensor:
    mix = references.matching(ASKED.model_copy(update={"reference_count": references.count}), own_weight=0)
    assert mix is not None
    return mix(0, teacher(images)[0])


def test_references_repeat_if_there_are_fewer_images(
    make_references: Callable[..., References], teacher: Teacher, images: Tensor
):
    references = make_references(images, count=8)
    assert references.distinct == 3
    for kept, stage in zip(references.stages, teacher(images), strict=True):
        assert torch.equal(kept, sort_features(stage)[torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])])


def test_three_images_weigh_the_same_in_the_mean_of_eight_references(
    make_references: Callable[..., References], teacher: Teacher, images: Tensor
):
    three, eight = (make_references(images, count=count) for count in (3, 8))
    query = torch.rand(2, 3, 32, 32)
    assert torch.equal(match_first_stage(eight, teacher, query), match_first_stage(three, teacher, query))


def test_a_duplicate_image_is_a_single_reference(
    make_references: Callable[..., References], teacher: Teacher, images: Tensor
):
    references = make_references(images[[0, 1, 0, 2]], count=4)
    assert references.distinct == 3
    assert torch.equal(references.stages[0], sort_features(teacher(images[[0, 1, 2, 0]])[0]))


def test_copies_change_no_shift(make_references: Callable[..., References], teacher: Teacher, images: Tensor):
    shifted = [0.5 * torch.rand(4, 3, 32, 32)]
    for count in (2, 3):
        alone, repeated = (make_references(images[:count], count=kept) for kept in (count, 8))
        assert repeated.measure_shift(teacher, shifted) == alone.measure_shift(teacher, shifted)


def test_copies_of_one_image_have_no_shift_score(
    make_references: Callable[..., References], teacher: Teacher, images: Tensor
):
    references = make_references(images[[0, 0, 0]], count=8)
    assert not references.has_spread
    assert references.measure_shift(teacher, [torch.zeros(4, 3, 32, 32)]) is None


def test_loaded_references_know_their_copies(
    make_references: Callable[..., References], teacher: Teacher, images: Tensor
):
    saved = make_references(images[:2], count=8).state_dict()
    loaded = make_references(images, count=8)
    loaded.load_state_dict(saved)
    assert loaded.distinct == 2
    assert copy.deepcopy(loaded).distinct == 2
