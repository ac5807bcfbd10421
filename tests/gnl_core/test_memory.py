from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gnl_core.memory import compute_in_chunks, explain_memory

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
]


class Small:
    """A function that doubles images, at most a given number at a time, and records the number it receives."""

    def __init__(self, room: int, error: RuntimeError) -> None:
        self.room, self.error, self.seen = room, error, list[int]()

    def __call__(self, images: Tensor) -> Tensor:
        self.seen.append(len(images))
        if len(images) > self.room:
            raise self.error
        return 2 * images


@pytest.mark.filterwarnings("ignore:out of memory; continuing in chunks of 5")
@pytest.mark.parametrize("error", ERRORS)
def test_chunks_are_halved_until_they_fit_and_stay_that_size(error: RuntimeError):
    small, images = Small(3, error), torch.arange(10.0)
    with pytest.warns(UserWarning, match="out of memory; continuing in chunks of 3"):
        results, chunk_size = compute_in_chunks(small, images, largest=64)
    assert torch.equal(torch.cat(results), 2 * images)
    assert (small.seen, chunk_size) == ([10, 5, 3, 3, 3, 1], 3)
    small.seen.clear()
    compute_in_chunks(small, images, largest=chunk_size)
    assert small.seen == [3, 3, 3, 1]


def test_a_last_small_batch_does_not_make_the_next_ones_small():
    assert compute_in_chunks(Small(9, ERRORS[0]), torch.ones(2), largest=8)[1] == 8


def test_a_single_image_that_does_not_fit_is_reported():
    with (
        pytest.warns(UserWarning, match="out of memory"),
        pytest.raises(ValueError, match="one image does not fit into the device's memory; score with --device cpu"),
    ):
        compute_in_chunks(Small(0, ERRORS[0]), torch.ones(2), largest=2)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"):
        compute_in_chunks(Small(0, RuntimeError("shapes differ")), torch.ones(2), largest=2)
    with pytest.raises(RuntimeError, match="shapes"), explain_memory(16):
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize("error", ERRORS)
def test_a_training_step_that_does_not_fit_asks_for_half_the_batch(error: RuntimeError):
    with (
        pytest.raises(ValueError, match=r"a training step on 16 images .* train with --batch-size 8"),
        explain_memory(16),
    ):
        raise error
