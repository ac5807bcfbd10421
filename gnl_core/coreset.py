"""Select a coreset: a small subset with a nearby member for every feature (PatchCore, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor

PROJECTED_CHANNELS = 128
ROUNDING = 1e-6  # relative to the largest squared norm: the error of squared distances computed from products


class Candidates:
    """A random sample of the features of a stream, of limited size.

    Each feature gets a random number on arrival, and those with the smallest numbers stay, so every
    feature of the stream is equally likely to be in the sample.
    """

    def __init__(self, *, limit: int, generator: torch.Generator) -> None:
        self.limit = limit
        self.generator = generator
        self._sample: list[Tensor] = []
        self._ranks = torch.zeros(0)

    def add(self, features: Tensor) -> None:
        """Add the next features of the stream, shape (N, D)."""
        ranks = torch.cat([self._ranks, torch.rand(len(features), generator=self.generator)])
        if len(ranks) <= self.limit:
            self._sample.append(features)
            self._ranks = ranks
            return
        staying = ranks.topk(self.limit, largest=False).indices.sort().values
        self._sample = [torch.cat([*self._sample, features])[staying.to(features.device)]]
        self._ranks = ranks[staying]

    def features(self) -> Tensor:
        """Return the sample in order of arrival, shape (at most the limit, D).

        Raises:
            ValueError: If the stream was empty.
        """
        if not self._sample:
            raise ValueError("there is no training image to take features from")
        return torch.cat(self._sample)


def draw_coreset(features: Tensor, *, percent: float, generator: torch.Generator) -> Tensor:
    """Choose a share of the features that covers them all (PatchCore, Algorithm 1).

    Args:
        features: Shape (N, D).
        percent: Share of the features to choose, in (0, 100]; at least one is chosen.
        generator: Determines the projection and the first choice.

    Returns:
        The chosen features, in order of choice, shape (M, D); fewer than the share if all remaining
        features are copies of chosen ones.
    """
    count = max(1, round(len(features) * percent / 100))
    projected = project(features, generator=generator)
    first = int(torch.randint(len(features), (), generator=generator))
    return features[greedy_centres(projected, count=count, first=first)]


def project(features: Tensor, *, generator: torch.Generator) -> Tensor:
    """Reduce channels by a random matrix, which nearly preserves distances (Johnson-Lindenstrauss).

    Returns:
        Shape (N, 128): the features themselves if they have no more channels.
    """
    channels = features.shape[1]
    if channels <= PROJECTED_CHANNELS:
        return features
    directions = torch.randn(channels, PROJECTED_CHANNELS, generator=generator) / PROJECTED_CHANNELS**0.5
    return features @ directions.to(features.device)


def greedy_centres(points: Tensor, *, count: int, first: int) -> Tensor:
    """Choose points one after the other, each the farthest from its nearest chosen point (greedy k-centre).

    Args:
        points: Shape (N, D).
        count: Number of points to choose, 1 to N.
        first: Index of the first point.

    Returns:
        Indices of the chosen points in order of choice, shape (M,) with M at most `count`; no point is chosen twice,
        and no copy of a chosen point.
    """
    centred = points - points.mean(dim=0)  # smaller norms reduce rounding in the products below
    squares = centred.square().sum(dim=1)
    farness = torch.full_like(squares, torch.inf)
    chosen = torch.empty(count, dtype=torch.long, device=points.device)
    gaps = torch.empty(count, device=points.device)
    latest = torch.tensor(first, device=points.device)
    for position in range(count):
        chosen[position], gaps[position] = latest, farness[latest]
        distances = squares + squares[latest] - 2 * (centred @ centred[latest])
        farness = torch.minimum(farness, distances)
        farness[latest] = -torch.inf
        latest = farness.argmax()
    return chosen[gaps > ROUNDING * squares.max()]
