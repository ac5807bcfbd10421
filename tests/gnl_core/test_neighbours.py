from __future__ import annotations

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from gnl_core import neighbours as module
from gnl_core.neighbours import nearest_neighbour, neighbours


@pytest.mark.parametrize("count", [1, 3, 40])
def test_neighbours_are_scikit_learns(count: int):
    queries, bank = torch.randn(7, 12), torch.randn(40, 12)
    expected = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(bank.numpy()).kneighbors(queries.numpy())
    distances, rows = neighbours(queries, bank, count=count)
    torch.testing.assert_close(distances, torch.from_numpy(expected[0]), check_dtype=False)
    assert rows.tolist() == expected[1].tolist()


def test_a_small_bank_returns_all_of_its_rows():
    distances, rows = neighbours(torch.zeros(1, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]]), count=5)
    assert distances.tolist() == [[1.0, 5.0]]
    assert rows.tolist() == [[1, 0]]


def test_the_nearest_one_of_many_queries_is_scikit_learns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "QUERIES_PER_CHUNK", 8)
    queries, bank = torch.randn(50, 12), torch.randn(40, 12)
    expected = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(bank.numpy()).kneighbors(queries.numpy())
    distances, rows = nearest_neighbour(queries, bank)
    torch.testing.assert_close(distances, torch.from_numpy(expected[0][:, 0]), check_dtype=False)
    assert rows.tolist() == expected[1][:, 0].tolist()


def test_a_row_of_the_bank_has_distance_zero_even_with_large_values():
    bank = 1e4 + torch.randn(30, 64)
    distances, rows = nearest_neighbour(bank[[4, 9]], bank)
    assert rows.tolist() == [4, 9]
    assert distances.tolist() == [0.0, 0.0]
