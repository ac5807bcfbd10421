"""Handle batches that do not fit into a device's memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
OUT_OF_MEMORY_TEXTS = ("out of memory", "can't allocate memory")  # MPS and CPU raise a plain RuntimeError


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a PyTorch error means that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error).lower() for text in OUT_OF_MEMORY_TEXTS)


def compute_in_chunks(compute: Callable[[Tensor], Result], images: Tensor, *, largest: int) -> tuple[list[Result], int]:
    """Compute on images in chunks; if a chunk does not fit into memory, halve the chunk size with a warning.

    Args:
        compute: The computation; each image's result must not depend on the others.
        images: Shape (B, ...).
        largest: Images per chunk at the start.

    Returns:
        The result of each chunk in order, and the chunk size that fits.

    Raises:
        ValueError: If not even a single image fits.
    """
    chunk_size = min(largest, len(images))
    while True:
        try:
            return [compute(part) for part in torch.split(images, chunk_size)], largest
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        if chunk_size == 1:
            raise ValueError(
                "one image does not fit into the device's memory; score with --device cpu, or train at a smaller "
                "--image-size"
            )
        largest = chunk_size = (chunk_size + 1) // 2
        warnings.warn(f"out of memory; continuing in chunks of {chunk_size}", stacklevel=2)


@contextmanager
def explain_memory(count: int) -> Iterator[None]:
    """Turn an out-of-memory error in a training step on `count` images into one clear sentence.

    The batch is not halved here: BatchNorm would then see half of it, which would change the training.

    Raises:
        ValueError: If memory runs out.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(
            f"a training step on {count} images does not fit into the device's memory; train with --batch-size "
            f"{max(1, count // 2)}, at a smaller --image-size, or with --device cpu"
        ) from None
