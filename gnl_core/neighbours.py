"""Nearest neighbours of features in a bank of features, by Euclidean distance."""

from __future__ import annotations

import torch
from torch import Tensor

QUERIES_AT_ONCE = 4096  # against 5,000 rows: 80 MB of distances


def neighbours(queries: Tensor, bank: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """The nearest rows of a bank, for a few queries.

    Distances are taken from differences, not from products, so that a query has the same ones
    whatever stands beside it.

    Args:
        queries: Shape (Q, D).
        bank: Shape (N, D).
        count: How many; all N where the bank has fewer.

    Returns:
        Ascending distances and the rows' numbers, both of shape (Q, min(count, N)).
    """
    distances = torch.cdist(queries, bank, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.topk(min(count, len(bank)), largest=False)
    return nearest.values, nearest.indices


def nearest_neighbour(queries: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest row of a bank, for many queries.

    Which row it is comes from products, which are fast and round; the distance comes from the difference.

    Args:
        queries: Shape (Q, D).
        bank: Shape (N, D).

    Returns:
        Distances and the rows' numbers, both of shape (Q,).
    """
    centre = bank.mean(dim=0)  # small norms: the products round less
    # A graph that is exported serves any number of queries; to count its chunks would fix that number.
    chunks = (queries,) if torch.compiler.is_exporting() else torch.split(queries, QUERIES_AT_ONCE)
    rows = torch.cat(
        [
            torch.cdist(chunk - centre, bank - centre, compute_mode="use_mm_for_euclid_dist").argmin(dim=1)
            for chunk in chunks
        ]
    )
    return (queries - bank[rows]).norm(dim=1), rows
