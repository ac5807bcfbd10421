"""The shift score: distance of a domain from the training images, measured without labels."""

from __future__ import annotations

from torch import Tensor

FEWEST_REFERENCES = 2  # different training images, since one image has no spread


def shift_score(sorted_domain: Tensor, sorted_references: Tensor) -> Tensor:
    """Measure how far matching would move a domain's features, in units of the training images' spread.

    In each channel the distance is the 2-Wasserstein distance of the domain's mean sorted values from the
    references' mean, and the unit is the standard deviation of the references' sorted values around that
    mean. The score is the median over channels: a few channels hardly vary on normal images and would dominate
    a mean.

    Args:
        sorted_domain: Sorted values of a stage's map, averaged over the domain's images, shape (C, N).
        sorted_references: Sorted values of R different training images, shape (R, C, N). A copy would count as
            another image without variation.

    Returns:
        Scalar, 0 or more: about 0.4 for images like the training images and 8 references (1 / sqrt(R) for
        R references and many images), above 1 if the domain is farther away than training images are from
        each other.

    Raises:
        ValueError: If the references have no spread; see `has_spread`.
    """
    if not has_spread(sorted_references):
        raise ValueError(
            f"a shift score needs references that differ, got {len(sorted_references)} without any spread; "
            f"pass {FEWEST_REFERENCES} or more different ones"
        )
    distance = (sorted_domain - sorted_references.mean(dim=0)).square().mean(dim=1).sqrt()
    spread = channel_spread(sorted_references)
    varies = spread > 0
    return (distance[varies] / spread[varies]).median()


def has_spread(sorted_references: Tensor) -> bool:
    """Return whether references (R, C, N) have a spread: there are two or more, and some channel varies among them."""
    return len(sorted_references) >= FEWEST_REFERENCES and bool((channel_spread(sorted_references) > 0).any())


def channel_spread(sorted_references: Tensor) -> Tensor:
    """Standard deviation of R references' sorted values (R, C, N) around their mean, R at least 2; shape (C,)."""
    return sorted_references.var(dim=0).mean(dim=1).sqrt()
