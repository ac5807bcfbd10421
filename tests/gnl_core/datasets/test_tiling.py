from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from gnl_core.datasets.tiling import cut, places_of, plan_tiles, stitch
from gnl_core.records import Tiling


def test_tiles_follow_at_a_constant_distance_and_the_last_ends_with_the_image():
    assert plan_tiles((100, 70), (40, 40), overlap_percent=25) == Tiling((40, 40), (0, 30, 60), (0, 30))
    assert plan_tiles((100, 70), (40, 40), overlap_percent=0) == Tiling((40, 40), (0, 40, 60), (0, 30))


def test_an_image_of_the_tiles_size_is_one_tile():
    assert plan_tiles((64, 48), (64, 48), overlap_percent=25) == Tiling((64, 48), (0,), (0,))


@pytest.mark.parametrize("overlap_percent", [0.0, 10.0, 25.0, 33.3, 75.0])
def test_tiles_cover_the_image_and_overlap_by_at_least_the_share(overlap_percent: float):
    for height, width in np.random.default_rng(0).integers(28, 300, (50, 2)).tolist():
        tiling = plan_tiles((height, width), (28, 28), overlap_percent=overlap_percent)
        covered = torch.zeros(height, width)
        for rows, columns in places_of(tiling):
            covered[rows, columns] += 1
        assert covered.min() >= 1
        for starts in (tiling.tops, tiling.lefts):
            assert all(28 - (after - before) >= 28 * overlap_percent / 100 for before, after in pairwise(starts))


@pytest.mark.parametrize("size", [(64, 64), (100, 70), (31, 200)])
def test_stitched_tiles_of_an_image_are_the_image(size: tuple[int, int]):
    image = torch.rand(1, *size)
    tiling = plan_tiles(size, (28, 28), overlap_percent=25)
    torch.testing.assert_close(stitch(torch.cat([*cut(image, tiling)]), tiling)[0], image)


def test_where_tiles_overlap_a_pixel_is_the_mean_of_its_values():
    tiling = Tiling((1, 2), (0,), (0, 1))
    tiles = torch.tensor([[[[1.0, 2.0]]], [[[4.0, 8.0]]]])
    assert stitch(tiles, tiling).tolist() == [[[[1.0, 3.0, 8.0]]]]
