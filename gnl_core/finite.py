"""One rule for NaN and infinite values in losses, weights, maps and scores.

A training with such a value has diverged and ends. A checkpoint that contains one is rejected. Scores that contain
one have no metrics, since a NaN has no rank; a dash and the reason appear instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the app shows its first chart before PyTorch is imported
    from torch import Tensor

REMEDY = "train it again with a smaller --learning-rate"


class DivergedError(ValueError):
    """A training has diverged, or its saved results show that it did."""


def count_not_finite(values: NDArray[np.floating[Any]]) -> int:
    """Count the values that are NaN or infinite."""
    return int(np.count_nonzero(~np.isfinite(values)))


def all_finite(values: NDArray[np.floating[Any]]) -> bool:
    """Whether all values are finite."""
    return bool(np.isfinite(values).all())


def describe_scores(count: int, *, of: int) -> str:
    """Explain why scores have no metrics, as a clause that ends a sentence."""
    return f"this run diverged ({count:,} of {of:,} scores are not finite); {REMEDY}"


def check_scores(scores: NDArray[np.floating[Any]], *, source: str) -> None:
    """Check that all scores are finite.

    Args:
        scores: Scores of one run and domain, shape (n,).
        source: Beginning of the message: the run, and the domain if there are several.

    Raises:
        DivergedError: If any score is not finite.
    """
    count = count_not_finite(scores)
    if count:
        raise DivergedError(f"{source}: {describe_scores(count, of=len(scores))}")


def check_losses(losses: Mapping[str, float], *, epoch: int) -> None:
    """Stop a training whose losses are not finite.

    Raises:
        DivergedError: If any loss is not finite.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(f"training diverged: {name} is {value} in epoch {epoch}; use a smaller --learning-rate")


def find_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Find the name of the first tensor with a value that is not finite; None if all values are finite."""
    return next((name for name, value in tensors.items() if not is_finite(value)), None)


def is_finite(value: Tensor) -> bool:
    """Whether all values of a tensor are finite.

    The sum is many times faster to compute than a mask over all values, and it is finite only if they all are. A sum
    of finite values can overflow, so if the sum is not finite, the mask decides.
    """
    return not value.is_floating_point() or bool(value.sum().isfinite()) or bool(value.isfinite().all())
