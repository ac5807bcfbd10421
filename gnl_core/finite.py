"""Numbers that are not finite, NaN or infinite: one rule for losses, weights, maps and scores.

A training that meets one has diverged and ends. A checkpoint that holds one is refused. A set of scores that holds
one has no figure at all, since a NaN has no rank: where a figure would stand, a dash and the reason stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the app's first chart stands before PyTorch is imported
    from torch import Tensor

REMEDY = "train it again with a smaller --learning-rate"


class DivergedError(ValueError):
    """A training has diverged, or what it left shows that it had."""


def count_not_finite(values: NDArray[np.floating[Any]]) -> int:
    """How many of some numbers are NaN or infinite."""
    return int(np.count_nonzero(~np.isfinite(values)))


def all_finite(values: NDArray[np.floating[Any]]) -> bool:
    """Whether none of some numbers is NaN or infinite."""
    return bool(np.isfinite(values).all())


def describe_scores(count: int, *, of: int) -> str:
    """Why scores have no figure, as a clause that ends a sentence."""
    return f"this run diverged ({count:,} of {of:,} scores are not finite); {REMEDY}"


def check_scores(scores: NDArray[np.floating[Any]], *, source: str) -> None:
    """Refuse scores that hold a number that is not finite.

    Args:
        scores: Of one run and domain, shape (n,).
        source: What the sentence begins with: the run, and the domain where there are several.

    Raises:
        DivergedError: If any is not finite.
    """
    count = count_not_finite(scores)
    if count:
        raise DivergedError(f"{source}: {describe_scores(count, of=len(scores))}")


def check_losses(losses: Mapping[str, float], *, epoch: int) -> None:
    """Stop a training whose losses are not finite.

    Raises:
        DivergedError: If any is not.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(f"training diverged: {name} is {value} in epoch {epoch}; use a smaller --learning-rate")


def find_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds a number that is not finite; None if all are finite."""
    return next((name for name, value in tensors.items() if not is_finite(value)), None)


def is_finite(value: Tensor) -> bool:
    """Whether a tensor holds finite numbers alone.

    Its sum is computed many times faster than a mask over its values, and is finite only if they all are; a sum of
    finite values can overflow, so the mask decides where the sum is not finite.
    """
    return not value.is_floating_point() or bool(value.sum().isfinite()) or bool(value.isfinite().all())
