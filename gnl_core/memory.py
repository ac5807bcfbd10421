"""What to do when a device's memory does not hold a batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
MARKS = ("out of memory", "can't allocate memory")  # of MPS and of the CPU, which raise a plain RuntimeError


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch says with this error that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or any(mark in str(error).lower() for mark in MARKS)


def compute_in_chunks(compute: Callable[[Tensor], Result], images: Tensor, *, largest: int) -> tuple[list[Result], int]:
    """Compute on images in portions; where memory does not hold one, all are halved, and a warning says so.

    Args:
        compute: What to compute; each image's result does not depend on the others.
        images: Shape (B, ...).
        largest: Images a portion to begin with.

    Returns:
        The result of each portion in order, and the portion that did fit.

    Raises:
        ValueError: If not even a single image fits.
    """
    portion = min(largest, len(images))
    while True:
        try:
            return [compute(part) for part in torch.split(images, portion)], largest
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        if portion == 1:
            raise ValueError(
                "one image does not fit into the device's memory; score with --device cpu, or train at a smaller "
                "--image-size"
            )
        largest = portion = (portion + 1) // 2
        warnings.warn(f"out of memory; going on in portions of {portion}", stacklevel=2)


@contextmanager
def explain_memory(count: int) -> Iterator[None]:
    """Tell in one sentence that a training step on so many images needs more memory than there is.

    The batch is not halved here: BatchNorm would see half of it, and something else would be learnt.

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
