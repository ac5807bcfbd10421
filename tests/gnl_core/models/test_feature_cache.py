from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gnl_core.models.feature_cache import FeatureCache


class CountingTeacher:
    """Two maps an image: itself and its double; counts the images that it encodes."""

    def __init__(self) -> None:
        self.encoded = 0

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        self.encoded += len(images)
        return images.clone(), 2 * images[..., :1]


@pytest.fixture
def counting() -> CountingTeacher:
    return CountingTeacher()


IMAGES = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 2, 2)
BYTES_AN_IMAGE = (4 + 2) * 4


def test_what_was_added_is_not_encoded_again(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000)
    cache.add("original", ["a", "b", "c"], IMAGES)
    maps = cache.encode("original", ["c", "a"], torch.full((2, 1, 2, 2), 99.0))
    assert counting.encoded == 3
    assert torch.equal(maps[0], IMAGES[[2, 0]])
    assert torch.equal(maps[1], 2 * IMAGES[[2, 0], :, :, :1])


def test_a_view_is_not_taken_for_another(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000)
    cache.add("original", ["a"], IMAGES[:1])
    cache.add("grayscale", ["a"], IMAGES[1:2])
    assert cache.encode("original", ["a"], IMAGES[:1])[0].unique() == 0
    assert cache.encode("grayscale", ["a"], IMAGES[:1])[0].unique() == 1
    assert cache.encode("augmix", ["a"], IMAGES[2:])[0].unique() == 2


def test_what_is_missing_is_encoded(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000)
    cache.add("original", ["a"], IMAGES[:1])
    assert torch.equal(cache.encode("original", ["a", "b"], IMAGES[:2])[0], IMAGES[:2])


@pytest.mark.parametrize("images", [0, 1, 2])
def test_no_more_is_kept_than_the_budget_holds(counting: CountingTeacher, images: int):
    cache = FeatureCache(counting, budget_bytes=images * BYTES_AN_IMAGE + BYTES_AN_IMAGE - 1)
    cache.add("original", ["a", "b", "c"], IMAGES)
    counting.encoded = 0
    for row, path in enumerate("abc"):
        assert torch.equal(cache.encode("original", [path], IMAGES[row : row + 1])[0], IMAGES[row : row + 1])
    assert counting.encoded == 3 - images


def test_kept_maps_do_not_change_with_the_batch(counting: CountingTeacher):
    cache = FeatureCache(lambda images: (images,), budget_bytes=1000)
    images = torch.zeros(1, 1, 2, 2)
    cache.add("original", ["a"], images)
    images += 5
    assert not cache.encode("original", ["a"], images)[0].any()
