"""A coreset: few features of many, so that each of the many has one of the few nearby (PatchCore, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor

PROJECTED_CHANNELS = 128
ROUNDING = 1e-6  # of the largest squared norm: squared distances from products are no more exact than that


class Candidates:
    """Features drawn at random from a stream; no more than a limit of them is held.

    Each feature gets a random number when it comes, and those with the smallest numbers stay: every
    feature of the stream is as likely to be among them.
    """

    def __init__(self, *, limit: int, generator: torch.Generator) -> None:
        self.limit = limit
        self.generator = generator
        self._held: list[Tensor] = []
        self._ranks = torch.zeros(0)

    def add(self, features: Tensor) -> None:
        """Look at the next features of the stream, shape (N, D)."""
        ranks = torch.cat([self._ranks, torch.rand(len(features), generator=self.generator)])
        if len(ranks) <= self.limit:
            self._held.append(features)
            self._ranks = ranks
            return
        staying = ranks.topk(self.limit, largest=False).indices.sort().values
        self._held = [torch.cat([*self._held, features])[staying.to(features.device)]]
        self._ranks = ranks[staying]

    def features(self) -> Tensor:
        """Those held, in the order in which they came, shape (at most the limit, D).

        Raises:
            ValueError: If the stream was empty.
        """
        if not self._held:
            raise ValueError("there is no training image to take features from")
        return torch.cat(self._held)


def draw_coreset(features: Tensor, *, percent: float, generator: torch.Generator) -> Tensor:
    """Choose a share of the features that covers them all (PatchCore, Algorithm 1).

    Args:
        features: Shape (N, D).
        percent: Share that is kept, in (0, 100]; at least one.
        generator: Decides the projection and the first choice.

    Returns:
        The chosen features, in the order in which they were chosen, shape (M, D); fewer than the share where all the
        others are copies of them.
    """
    count = max(1, round(len(features) * percent / 100))
    projected = project(features, generator=generator)
    first = int(torch.randint(len(features), (), generator=generator))
    return features[greedy_centres(projected, count=count, first=first)]


def project(features: Tensor, *, generator: torch.Generator) -> Tensor:
    """Bring features to fewer channels by a random matrix, which keeps distances nearly (Johnson-Lindenstrauss).

    Returns:
        Shape (N, 128): the features themselves where they have no more channels than that.
    """
    channels = features.shape[1]
    if channels <= PROJECTED_CHANNELS:
        return features
    directions = torch.randn(channels, PROJECTED_CHANNELS, generator=generator) / PROJECTED_CHANNELS**0.5
    return features @ directions.to(features.device)


def greedy_centres(points: Tensor, *, count: int, first: int) -> Tensor:
    """Choose points one after the other, each the farthest from its nearest chosen one (k-centre, greedy).

    Args:
        points: Shape (N, D).
        count: How many, 1 to N.
        first: Number of the point to begin with.

    Returns:
        Numbers of the chosen points in their order, shape (M,) with M at most `count`; none is chosen twice, nor is a
        copy of a chosen one.
    """
    centred = points - points.mean(dim=0)  # small norms: the products below round less
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
