from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gnl_core.cells import CellGrid, cells_under, enlarge


@pytest.mark.parametrize("side", [4, 8, 16])
@pytest.mark.parametrize("grid", [None, CellGrid(16)])
def test_if_cells_tile_the_image_or_cover_it_evenly_torch_enlarges_alike(side: int, grid: CellGrid | None):
    maps = torch.rand(2, 3, 4, 6)
    size = (4 * side, 6 * side)
    own = CellGrid(side) if grid else None
    expected = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    assert torch.equal(enlarge(maps, size=size, grid=own), expected)


@pytest.mark.parametrize("grid", [CellGrid(4), CellGrid(4, above=2, left=3), CellGrid(4, above=3)])
def test_a_ramp_over_the_cells_has_their_middles_where_the_grid_says(grid: CellGrid):
    size = (30, 21)
    rows, columns = torch.arange(8.0).view(-1, 1), torch.arange(6.0)
    found = enlarge((10 * rows + columns)[None, None], size=size, grid=grid)[0, 0]
    down, right = (
        ((np.arange(px) + outside + 0.5) / 4 - 0.5).clip(0, count - 1)
        for px, outside, count in zip(size, (grid.above, grid.left), (8, 6), strict=True)
    )
    np.testing.assert_allclose(found, 10 * down[:, None] + right, rtol=0, atol=1e-4)


def test_pixels_behind_the_last_whole_cell_take_its_value():
    found = enlarge(torch.tensor([[[[0.0, 4.0]]]]), size=(1, 5), grid=CellGrid(2))
    assert found.flatten().tolist() == [0, 1, 3, 4, 4]


def test_maps_with_other_cells_than_the_grid_has_cover_the_image_evenly():
    maps = torch.rand(1, 1, 3, 3)
    expected = F.interpolate(maps, size=(16, 16), mode="bilinear", align_corners=False)
    assert torch.equal(enlarge(maps, size=(16, 16), grid=CellGrid(4)), expected)


def test_a_grid_in_cells_of_a_finer_one_begins_where_it_did():
    assert CellGrid(16, above=12, left=10).within(CellGrid(8, above=4, left=2)) == CellGrid(2, above=1, left=1)


def test_each_pixel_belongs_to_the_cell_whose_square_contains_it():
    rows, columns = cells_under((2, 3), size=(5, 10), grid=CellGrid(4, above=2, left=1))
    assert rows.tolist() == [0, 0, 1, 1, 1]
    assert columns.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]


def test_other_cells_than_the_grid_has_are_as_large_as_each_other():
    rows, columns = cells_under((3, 2), size=(6, 4), grid=CellGrid(4))
    assert rows.tolist() == [0, 0, 1, 1, 2, 2]
    assert columns.tolist() == [0, 0, 1, 1]
