"""Choose without labels how to adapt: by what a few images of the new domain show.

The limits were fixed on the digits, the nut, MNIST's 4 and the houses of PACS, and judged on all other data
(docs/adaptation.md).
"""

from __future__ import annotations

from typing import NamedTuple

LEAST_DISPLACEMENT = 0.6  # of stage 1: below, there is no shift to repair
LEAST_AGREEMENT = 0.75  # between maps of the domain: from here on, positions have a meaning
LARGEST_FAMILIARITY = 0.6  # with the maps of training images: above, the pattern of positions is the usual one
LEAST_EXCESS = 0.4  # of stage 1: from here on, one map for all images leaves too much
LARGEST_REMOTENESS = 1.3  # after matching: above, the images are likely to show something else


class Evidence(NamedTuple):
    """What images of a new domain show, without labels.

    Attributes:
        n: Number of images.
        displacement: For each stage of the teacher, the share of the features' displacement from the training images
            that sampling noise does not explain, in [0, 1]; none for a method without a teacher.
        excess: For each stage, how much more the images differ among themselves than training images do, in [0, 1].
        agreement: How well the median anomaly map of half of the images explains the maps of the other half, a
            correlation in [-1, 1]; None for a method whose map cannot be standardised.
        familiarity: How well the median anomaly map of training images explains the maps, a correlation in [-1, 1];
            None likewise, and without training images or a clear displacement.
        remoteness: Distance of the matched images' mean embedding from the training images', in units of the training
            images' standard deviation, 0 or more; None for a method without an embedding, or likewise.
    """

    n: int
    displacement: tuple[float, ...] = ()
    excess: tuple[float, ...] = ()
    agreement: float | None = None
    familiarity: float | None = None
    remoteness: float | None = None


class Ways(NamedTuple):
    """Which ways of adapting are taken.

    Attributes:
        match_domain: Carry features over to the training images' domain.
        match_images: Match each image as well, with a strength that the excess decides; only with match_domain.
        standardise: Standardise anomaly maps by position.
        reason: Why, in one sentence.
    """

    match_domain: bool = False
    match_images: bool = False
    standardise: bool = False
    reason: str = "as requested"


def choose_ways(evidence: Evidence) -> Ways:
    """Choose what the images call for; where no shift shows, nothing, since every way costs something there."""
    if not evidence.displacement:
        return Ways(reason="the method has no teacher whose features could be matched")
    displacement, agreement, familiarity = evidence.displacement[0], evidence.agreement, evidence.familiarity
    if displacement < LEAST_DISPLACEMENT:
        return Ways(
            reason=f"no clear shift: sampling noise explains {1 - displacement:.0%} of the displacement of stage 1"
        )
    if agreement is not None and agreement >= LEAST_AGREEMENT and (familiarity or 0) < LARGEST_FAMILIARITY:
        return Ways(
            standardise=True,
            reason="the shift raises anomaly maps in the same places: the median map of half of the images correlates "
            f"with the maps of the others ({agreement:.2f})",
        )
    shifted = f"the features are displaced beyond sampling noise (stage 1: {displacement:.0%})"
    if evidence.excess[0] >= LEAST_EXCESS:
        return Ways(
            match_domain=True,
            match_images=True,
            reason=f"{shifted}, and images differ more among themselves than training images do (excess "
            f"{evidence.excess[0]:.2f})",
        )
    return Ways(match_domain=True, reason=shifted)


def warn_of_evidence(evidence: Evidence) -> str | None:
    """Say that the images are likely to show something other than the training images do, or return None.

    Features alone cannot always tell another kind of object from a strong shift: no warning is no guarantee.
    """
    if evidence.remoteness is None or evidence.remoteness <= LARGEST_REMOTENESS:
        return None
    return (
        f"even after matching, the images lie {evidence.remoteness:.1f} standard deviations from the training images; "
        "they are likely to show another kind of object, to which no adaptation helps: check the folder, or train on it"
    )
