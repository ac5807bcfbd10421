from __future__ import annotations

from itertools import combinations

import pytest
import torch

from gnl_core.jigsaw import distant_orders, shuffle_tiles


def smallest_distance(orders: torch.Tensor) -> int:
    return min(int((a != b).sum()) for a, b in combinations(orders, 2))


def test_the_first_order_is_tiles_in_place():
    assert distant_orders(3, count=1)[0].tolist() == list(range(9))


def test_every_row_is_an_order_of_all_tiles():
    orders = distant_orders(3, count=30)
    assert orders.shape == (31, 9)
    assert torch.equal(orders.sort(dim=1).values, torch.arange(9).expand(31, 9))


def test_no_order_is_chosen_twice():
    assert len({tuple(order) for order in distant_orders(2, count=23).tolist()}) == 24


def test_as_many_orders_as_tiles_can_differ_in_every_place():
    assert smallest_distance(distant_orders(2, count=3)) == 4
    assert smallest_distance(distant_orders(3, count=8)) == 9


def test_jigen_s_thirty_orders_differ_in_at_least_seven_of_nine_places():
    # thirty orders drawn at random come within 4 or so of each other
    assert smallest_distance(distant_orders(3, count=30)) >= 7


def test_the_second_order_of_four_tiles_is_the_first_that_moves_them_all():
    # derangements of 0 1 2 3 in lexicographic order begin with 1 0 3 2; it, 2 3 0 1 and 3 2 1 0 all differ everywhere
    assert distant_orders(2, count=3).tolist() == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]


@pytest.mark.parametrize(("grid", "count"), [(2, 24), (3, 0), (1, 1)])
def test_too_many_orders_or_none_are_refused(grid: int, count: int):
    with pytest.raises(ValueError, match="orders to choose from"):
        distant_orders(grid, count=count)


@pytest.mark.parametrize("grid", [0, 4])
def test_a_grid_whose_orders_cannot_be_listed_is_refused(grid: int):
    with pytest.raises(ValueError, match=f"1 to 3 tiles per side, got {grid}"):
        distant_orders(grid, count=1)


def test_tiles_move_by_hand():
    image = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).view(1, 1, 2, 4)
    # tiles, row by row: 1 2 | 3 4 | 5 6 | 7 8; each place gets the tile that the order names
    expected = torch.tensor([[3.0, 4.0, 7.0, 8.0], [1.0, 2.0, 5.0, 6.0]]).view(1, 1, 2, 4)
    assert torch.equal(shuffle_tiles(image, torch.tensor([[1, 3, 0, 2]])), expected)


@pytest.mark.parametrize("size", [(27, 27), (28, 28), (32, 41)])
def test_tiles_in_place_are_the_image(size: tuple[int, int]):
    images = torch.rand(2, 3, *size)
    assert torch.equal(shuffle_tiles(images, torch.arange(9).expand(2, 9)), images)


@pytest.mark.parametrize("size", [(27, 27), (28, 28), (32, 41)])
def test_the_inverse_order_puts_the_tiles_back(size: tuple[int, int]):
    images, orders = torch.rand(5, 3, *size), distant_orders(3, count=30)[[1, 7, 13, 22, 30]]
    shuffled = shuffle_tiles(images, orders)
    assert not torch.equal(shuffled, images)
    assert torch.equal(shuffle_tiles(shuffled, orders.argsort(dim=1)), images)


def test_rows_and_columns_left_over_stay_where_they_are():
    images = torch.rand(1, 3, 28, 32)
    shuffled = shuffle_tiles(images, torch.arange(8, -1, -1)[None])
    assert torch.equal(shuffled[:, :, 27:], images[:, :, 27:])
    assert torch.equal(shuffled[:, :, :, 30:], images[:, :, :, 30:])
    assert torch.equal(shuffled[:, :, :9, :10], images[:, :, 18:27, 20:30])


def test_an_image_smaller_than_the_grid_is_refused():
    with pytest.raises(ValueError, match="2x9 px cannot be cut into 3x3 tiles"):
        shuffle_tiles(torch.rand(1, 3, 2, 9), torch.arange(9)[None])
