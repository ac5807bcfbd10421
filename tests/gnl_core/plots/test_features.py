import numpy as np
import pytest

from gnl_core.cells import CellGrid
from gnl_core.plots.features import direction_colours, lay_out_cells, unit_rows


def noise(seed: int, shape: tuple[int, int, int] = (5, 4, 6)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_each_map_becomes_a_picture_of_its_size():
    (first, second), (other,) = direction_colours([noise(0), noise(1, (5, 2, 3))], [noise(2)])
    assert [picture.shape for picture in (first, second, other)] == [(4, 6, 3), (2, 3, 3), (4, 6, 3)]
    assert first.dtype == np.uint8


def test_the_length_of_a_feature_changes_no_colour():
    (picture,), (longer,) = direction_colours([noise(0)], [7 * noise(0)])
    assert np.abs(picture.astype(int) - longer).max() <= 1


def test_features_that_point_elsewhere_get_another_colour():
    maps = np.zeros((4, 1, 4), dtype=np.float32)
    maps[[0, 1, 2, 3], 0, [0, 1, 2, 3]] = 1  # four directions
    ((picture,), _) = direction_colours([maps], [])
    assert len({tuple(colour) for colour in picture[0]}) == 4


def test_features_of_length_one_keep_their_direction_and_none_is_divided_by_zero():
    rows = unit_rows(np.array([[[3.0, 0.0]], [[4.0, 0.0]]], dtype=np.float32))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))


def test_maps_without_variation_are_one_colour():
    ((picture,), _) = direction_colours([np.ones((4, 2, 2), dtype=np.float32)], [])
    assert len({tuple(colour) for colour in picture.reshape(-1, 3)}) == 1


def test_cells_are_drawn_as_the_squares_of_the_image_that_they_describe():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    found = lay_out_cells(picture, size=(3, 4), grid=CellGrid(2, above=1))
    assert found.shape == (3, 4, 3)
    assert found[..., 0].tolist() == [[0, 0, 3, 3], [6, 6, 9, 9], [6, 6, 9, 9]]
