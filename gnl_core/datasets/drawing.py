"""Draw a few images of each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_per_label(labels: NDArray[np.int64], *, count: int, seed: int) -> NDArray[np.intp]:
    """Draw up to a number of images of each label at random, without replacement.

    Args:
        labels: One per image, shape (n,).
        count: Largest number of images of a label.
        seed: Decides the draw.

    Returns:
        Ascending positions of the images drawn.
    """
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.intp)
