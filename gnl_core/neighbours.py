"""Find nearest neighbours of features in a bank of features, by Euclidean distance."""

from __future__ import annotations

import torch
from torch import Tensor

QUERIES_PER_CHUNK = 4096  # against 5,000 rows: 80 MB of distances


def neighbours(queries: Tensor, bank: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """Find the nearest rows of a bank for a few queries.

    Distances are computed from differences, not from products, so that those of a query do not depend on the
    other queries.

    Args:
        queries: Shape (Q, D).
        bank: Shape (N, D).
        count: Number of neighbours per query; at most N are returned.

    Returns:
        Ascending distances and the indices of the rows, both of shape (Q, min(count, N)).
    """
    distances = torch.cdist(queries, bank, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.topk(min(count, len(bank)), largest=False)
    return nearest.values, nearest.indices


def nearest_neighbour(queries: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Find the nearest row of a bank for many queries.

    The row is found by products, which are fast but subject to rounding; the distance is computed from the difference.

    Args:
        queries: Shape (Q, D).
        bank: Shape (N, D).

    Returns:
        Distances and the indices of the rows, both of shape (Q,).
    """
    centre = bank.mean(dim=0)  # smaller norms reduce rounding in the products
    # An exported graph accepts any number of queries; splitting them into chunks would fix that number.
    chunks = (queries,) if torch.compiler.is_exporting() else torch.split(queries, QUERIES_PER_CHUNK)
    rows = torch.cat(
        [
            torch.cdist(chunk - centre, bank - centre, compute_mode="use_mm_for_euclid_dist").argmin(dim=1)
            for chunk in chunks
        ]
    )
    return (queries - bank[rows]).norm(dim=1), rows
