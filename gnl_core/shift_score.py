"""How far a domain lies from the training images, measured without a label."""

from __future__ import annotations

import torch
from torch import Tensor


def shift_score(sorted_domain: Tensor, sorted_references: Tensor) -> Tensor:
    """How far matching would have to move a domain's features, in units of the training images' own spread.

    In each channel the distance is the 2-Wasserstein distance of the domain's mean sorted values from the
    references' mean, and the unit is the standard deviation of the references' sorted values around that
    mean. The median over channels is taken: a few channels hardly vary on normal images, and would decide
    a mean.

    Args:
        sorted_domain: Sorted values of a stage's map, averaged over the domain's images, shape (C, N).
        sorted_references: The same of R training images each, shape (R, C, N), R at least 2.

    Returns:
        Scalar, 0 or more: about 0.4 for images like those of the training (1 / sqrt(R) for R references
        and many images), above 1 where the domain lies farther away than training images from each other.
    """
    mean = sorted_references.mean(dim=0)
    distance = (sorted_domain - mean).square().mean(dim=1).sqrt()
    spread = sorted_references.var(dim=0).mean(dim=1).sqrt()
    varies = spread > 0
    return (distance[varies] / spread[varies]).median() if varies.any() else torch.zeros(())
