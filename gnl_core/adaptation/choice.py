"""Choose without labels how to adapt: by what a few images of the new domain show."""

from __future__ import annotations

from typing import NamedTuple

LEAST_DISPLACEMENT = 0.5  # of stage 1, below which there is no shift to repair
LEAST_AGREEMENT = 0.7  # of maps, from which on positions have a meaning


class Evidence(NamedTuple):
    """What images of a new domain show, without labels.

    Attributes:
        n: Number of images.
        displacement: For each stage of the teacher, the share of the features' displacement from the training images
            that sampling noise does not explain, in [0, 1].
        agreement: How well the median anomaly map of half of the images explains the maps of the other half, a
            correlation in [-1, 1]; None for a method whose map cannot be standardised.
    """

    n: int
    displacement: tuple[float, ...]
    agreement: float | None


class Ways(NamedTuple):
    """Which ways of adapting are taken.

    Attributes:
        match_domain: Carry features over to the training images' domain.
        standardise: Standardise anomaly maps by position.
        reason: Why, in one sentence.
    """

    match_domain: bool
    standardise: bool
    reason: str


def choose_ways(evidence: Evidence) -> Ways:
    """Choose at most one way; where no shift is seen, none, since every way costs something in-distribution."""
    if not evidence.displacement:
        return Ways(match_domain=False, standardise=False, reason="the method has no teacher whose features could be matched")
    displacement, agreement = evidence.displacement[0], evidence.agreement
    if displacement < LEAST_DISPLACEMENT:
        return Ways(
            match_domain=False,
            standardise=False,
            reason=f"no shift is seen: sampling noise explains {1 - displacement:.0%} of the displacement of stage 1",
        )
    if agreement is not None and agreement >= LEAST_AGREEMENT:
        return Ways(
            match_domain=False,
            standardise=True,
            reason=f"objects lie in the same place: half of the images explains the maps of the others (correlation "
            f"{agreement:.2f})",
        )
    seen = "" if agreement is None else f", and positions mean little (correlation {agreement:.2f})"
    return Ways(
        match_domain=True,
        standardise=False,
        reason=f"the features of the domain are displaced beyond noise (stage 1: {displacement:.0%}){seen}",
    )
