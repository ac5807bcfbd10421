from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gnl_core.models.feature_cache import FeatureCache


class CountingTeacher:
    """An encoder with two maps per image, itself and its double, that counts the encoded images."""

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


def test_cached_images_are_not_encoded_again(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000, spill_bytes=0)
    cache.add("original", ["a", "b", "c"], IMAGES)
    maps = cache.encode("original", ["c", "a"], torch.full((2, 1, 2, 2), 99.0))
    assert counting.encoded == 3
    assert torch.equal(maps[0], IMAGES[[2, 0]])
    assert torch.equal(maps[1], 2 * IMAGES[[2, 0], :, :, :1])


@pytest.mark.parametrize("memory", [0, 1000])
def test_maps_lie_channels_last(counting: CountingTeacher, memory: int):
    images = torch.rand(2, 3, 2, 2)
    cache = FeatureCache(counting, budget_bytes=memory, spill_bytes=1000)
    cache.add("original", ["a", "b"], images)
    maps = cache.encode("original", ["a", "b"], images)
    assert torch.equal(maps[0], images)
    assert all(stage.is_contiguous(memory_format=torch.channels_last) for stage in maps)


def test_a_view_is_not_taken_for_another(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000, spill_bytes=0)
    cache.add("original", ["a"], IMAGES[:1])
    cache.add("grayscale", ["a"], IMAGES[1:2])
    assert cache.encode("original", ["a"], IMAGES[:1])[0].unique() == 0
    assert cache.encode("grayscale", ["a"], IMAGES[:1])[0].unique() == 1
    assert cache.encode("augmix", ["a"], IMAGES[2:])[0].unique() == 2


def test_missing_images_are_encoded(counting: CountingTeacher):
    cache = FeatureCache(counting, budget_bytes=1000, spill_bytes=0)
    cache.add("original", ["a"], IMAGES[:1])
    assert torch.equal(cache.encode("original", ["a", "b"], IMAGES[:2])[0], IMAGES[:2])


@pytest.mark.parametrize("images", [0, 1, 2])
def test_no_more_is_kept_than_the_budget_holds(counting: CountingTeacher, images: int):
    cache = FeatureCache(counting, budget_bytes=images * BYTES_AN_IMAGE + BYTES_AN_IMAGE - 1, spill_bytes=0)
    cache.add("original", ["a", "b", "c"], IMAGES)
    counting.encoded = 0
    for row, path in enumerate("abc"):
        assert torch.equal(cache.encode("original", [path], IMAGES[row : row + 1])[0], IMAGES[row : row + 1])
    assert counting.encoded == 3 - images


def test_kept_maps_do_not_change_with_the_batch(counting: CountingTeacher):
    cache = FeatureCache(lambda images: (images,), budget_bytes=1000, spill_bytes=0)
    images = torch.zeros(1, 1, 2, 2)
    cache.add("original", ["a"], images)
    images += 5
    assert not cache.encode("original", ["a"], images)[0].any()


@pytest.mark.parametrize("spilled", [0, 1, 2, 3])
def test_maps_beyond_the_memory_budget_are_read_from_a_file_within_its_budget(counting: CountingTeacher, spilled: int):
    cache = FeatureCache(counting, budget_bytes=BYTES_AN_IMAGE, spill_bytes=spilled * BYTES_AN_IMAGE)
    for row, path in enumerate("abc"):
        cache.add("original", [path], IMAGES[row : row + 1])
        assert torch.equal(cache.encode("original", [path], IMAGES[row : row + 1])[0], IMAGES[row : row + 1])
    counting.encoded = 0
    maps = cache.encode("original", ["c", "a", "b"], IMAGES[[2, 0, 1]])
    assert torch.equal(maps[0], IMAGES[[2, 0, 1]])
    assert torch.equal(maps[1], 2 * IMAGES[[2, 0, 1], :, :, :1])
    assert counting.encoded == (0 if spilled >= 2 else 3)


def test_maps_of_another_number_format_are_spilled_unchanged():
    maps = torch.rand(2, 3, 4, 4).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
    cache = FeatureCache(lambda images: (maps[: len(images)],), budget_bytes=0, spill_bytes=1000)
    cache.add("original", ["a", "b"], torch.zeros(2, 3, 4, 4))
    (found,) = cache.encode("original", ["b", "a"], torch.zeros(2, 3, 4, 4))
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, maps[[1, 0]])


def test_a_full_disk_only_costs_time(counting: CountingTeacher, monkeypatch: pytest.MonkeyPatch):
    cache = FeatureCache(counting, budget_bytes=0, spill_bytes=1000)
    cache.add("original", ["a"], IMAGES[:1])
    monkeypatch.setattr(cache._spill, "_file", FullFile(cache._spill._file))
    cache.add("original", ["b"], IMAGES[1:2])
    counting.encoded = 0
    assert torch.equal(cache.encode("original", ["a"], IMAGES[:1])[0], IMAGES[:1])
    assert counting.encoded == 0
    assert torch.equal(cache.encode("original", ["b"], IMAGES[1:2])[0], IMAGES[1:2])
    assert counting.encoded == 1


class FullFile:
    """A file on a full disk; everything else is unchanged."""

    def __init__(self, file: object) -> None:
        self.file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")
