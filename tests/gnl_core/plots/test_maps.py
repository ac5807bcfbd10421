from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from gnl_core.finite import DivergedError
from gnl_core.plots.maps import COLOUR_MAP, colour_map, overlay, ring

DARKEST, BRIGHTEST = (np.round(255 * np.array(mpl.colormaps[COLOUR_MAP](end)[:3])) for end in (0.0, 1.0))


def test_zero_is_the_darkest_colour_and_the_upper_end_the_brightest():
    colours = colour_map(np.array([[0.0, 2.5]], dtype=np.float32), upper=2.5)
    assert colours.shape == (1, 2, 3)
    assert colours.dtype == np.uint8
    np.testing.assert_array_equal(colours[0], [DARKEST, BRIGHTEST])


def test_values_beyond_the_scale_take_the_colours_of_its_ends():
    colours = colour_map(np.array([[-1.0, 9.0]], dtype=np.float32), upper=2.5)
    np.testing.assert_array_equal(colours[0], [DARKEST, BRIGHTEST])


def test_a_values_colour_does_not_depend_on_the_rest_of_the_map():
    alone = colour_map(np.array([[1.0]], dtype=np.float32), upper=2.0)
    beside = colour_map(np.array([[1.0, 0.1, 50.0]], dtype=np.float32), upper=2.0)
    np.testing.assert_array_equal(alone[0, 0], beside[0, 0])


def test_an_overlay_mixes_picture_and_map_where_it_is_revealed_and_leaves_the_rest():
    picture = np.full((2, 4, 3), 100, dtype=np.uint8)
    coloured = np.full((2, 4, 3), 200, dtype=np.uint8)
    laid = overlay(picture, coloured, opacity=0.25, revealed=0.5)
    assert laid[0, :, 0].tolist() == [125, 125, 100, 100]
    assert np.array_equal(overlay(picture, coloured, opacity=0, revealed=1), picture)
    assert np.array_equal(overlay(picture, coloured, opacity=1, revealed=1), coloured)


def test_a_ring_changes_neither_its_centre_nor_distant_pixels():
    ringed = ring(np.full((21, 21, 3), 100, dtype=np.uint8), row=10, column=10, radius_px=6)
    assert ringed[10, [10, 16, 18, 20], 0].tolist() == [100, 255, 30, 100]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_not_drawn_as_if_it_were_dark(value: float):
    with pytest.raises(DivergedError, match="an anomaly map contains values that are not finite"):
        colour_map(np.array([[0.0, value]], dtype=np.float32), upper=1.0)
