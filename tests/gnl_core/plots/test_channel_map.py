"""The map of a channel as a figure."""

import numpy as np

from gnl_core.plots.channel_map import LARGEST_POINTS, channel_map_curve

PLACES = np.linspace(-1, 1, 5, dtype=np.float32)


def drawn(before, after):
    figure = channel_map_curve(PLACES, 2 * PLACES, before=before, after=after)
    return {trace.name: trace for trace in figure.data}


def test_the_map_is_drawn_beside_the_identity():
    found = drawn(PLACES, 2 * PLACES)
    assert found["identity"].x == found["identity"].y == (-1, 1)
    assert np.array_equal(found["map"].y, 2 * np.array(found["map"].x))


def test_the_values_of_an_image_keep_their_pairs():
    found = drawn(np.float32([0, 1, 2]), np.float32([5, 6, 7]))
    assert np.array_equal(found["this image"].x, [0, 1, 2])
    assert np.array_equal(found["this image"].y, [5, 6, 7])


def test_of_many_values_the_smallest_the_largest_and_some_between_are_drawn():
    many = np.arange(1000, dtype=np.float32)
    found = drawn(many, many)
    assert len(found["this image"].x) == LARGEST_POINTS
    assert (found["this image"].x[0], found["this image"].x[-1]) == (0, 999)
