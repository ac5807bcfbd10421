"""Find nearest neighbours of features in a bank of features, by Euclidean distance."""

from __future__ import annotations

import torch
from torch import Tensor

from gnl_core.matrix_products import multiply

QUERIES_PER_CHUNK = 256  # against 5,000 rows: 5 MB of products, memory that the C library keeps for the next chunk


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
    Of all rows, the nearest has the largest inner product with the query less half of its own squared length.

    Args:
        queries: Shape (Q, D).
        bank: Shape (N, D).

    Returns:
        Distances and the indices of the rows, both of shape (Q,).
    """
    with torch.autocast(queries.device.type, enabled=False):
        queries, bank = queries.float(), bank.float()
        centre = bank.mean(dim=0)  # smaller norms reduce rounding in the products
        rows = bank - centre
        lengths = rows.square().sum(dim=1)
        # An exported graph accepts any number of queries; splitting them into chunks would fix that number.
        chunks = (queries,) if torch.compiler.is_exporting() else torch.split(queries, QUERIES_PER_CHUNK)
        nearest = torch.cat([multiply(chunk - centre, rows, -lengths / 2).argmax(dim=1) for chunk in chunks])
        return (queries - bank[nearest]).norm(dim=1), nearest
