"""What a detector needs to hold in a new domain."""

from __future__ import annotations

from typing import NamedTuple

from gnl_core.adaptation.domain_map import ChannelMap
from gnl_core.adaptation.positions import PositionStatistics


class DomainMap(NamedTuple):
    """A map of the teacher's features from a new domain to the training images' domain.

    Attributes:
        stages: The channel maps of the teacher's three stages; each is estimated behind the mapped stages before it.
        excess: For each stage, how much more the domain's images differ among themselves than training images do, in
            [0, 1]; see `gnl_core.adaptation.domain_map.spread_excess`.
        matches_images: Whether each image is also matched to the references (FDM), with the excess as strength. It
            removes what differs between images beyond what differs between training images.
        strength: Share to which features are carried over, in [0, 1].
    """

    stages: tuple[ChannelMap, ...]
    excess: tuple[float, ...]
    matches_images: bool = False
    strength: float = 1.0

    @property
    def displacement(self) -> tuple[float, ...]:
        """Each stage's displacement beyond sampling noise, averaged over its channels, in [0, 1]."""
        return tuple(float(stage.displacement.mean()) for stage in self.stages)


class Positions(NamedTuple):
    """What is usual at each position of a new domain's anomaly maps.

    Attributes:
        statistics: Median and deviation of the maps.
        strength: Share to which maps are standardised, in [0, 1].
    """

    statistics: PositionStatistics
    strength: float = 1.0


class Adaptation(NamedTuple):
    """How a detector is adapted to a new domain; both parts may be missing, and it then scores as it is.

    Attributes:
        domain_map: Applied to features on their way through the teacher; None to leave them.
        positions: Applied to anomaly maps; None to leave them.
    """

    domain_map: DomainMap | None = None
    positions: Positions | None = None
