from __future__ import annotations

import numpy as np

from gnl_core.plots.pixels import LARGEST_SIDE_PX, largest_places, pixel_values


def test_a_pixel_shows_its_value_and_each_stages_contribution():
    stages = [np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]])]
    (heatmap,) = pixel_values(stages, upper=2.0).data
    np.testing.assert_allclose(heatmap.z, [[1.1, 0.2], [0.3, 1.4]])
    np.testing.assert_allclose(heatmap.customdata[1, 1], [0.4, 1.0])
    assert (heatmap.zmin, heatmap.zmax) == (0, 2.0)


def test_a_large_map_shows_the_largest_value_of_each_square():
    values = np.arange(5 * 4, dtype=np.float32).reshape(5, 4)
    rows, columns = largest_places(values, step=2)
    np.testing.assert_array_equal(values[rows, columns], [[5, 7], [13, 15]])  # the fifth row fills no square
    side = 2 * LARGEST_SIDE_PX
    (heatmap,) = pixel_values([np.zeros((side, side))], upper=1.0).data
    assert heatmap.z.shape == (LARGEST_SIDE_PX, LARGEST_SIDE_PX)
