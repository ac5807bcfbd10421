from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage

from gnl_core.datasets.blur import convolve, disk, trail


def random_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(28, 28), (33, 47), (64, 30)])
def test_convolution_is_scipys(size):
    image, kernel = random_image(*size), np.random.default_rng(1).random((21, 21))
    expected = scipy.ndimage.convolve(image.astype(float), kernel[..., None], mode="mirror")
    np.testing.assert_allclose(convolve(image, kernel), expected, rtol=1e-9)


def test_a_kernel_may_be_wider_than_the_image():
    image = np.full((28, 28, 3), 137, dtype=np.uint8)
    np.testing.assert_allclose(convolve(image, np.full((81, 81), 81**-2)), 137)


def test_a_disk_with_a_hard_rim_covers_what_lies_within_its_radius():
    """29 pixels lie within 3 of a pixel: 7 in its row, 7, 5 and 1 in the rows beside it at 1, 2 and 3 (twice)."""
    kernel = disk(3, 0.1)
    assert np.count_nonzero(kernel > 1e-9) == 7 + 2 * (5 + 5 + 1) == 29
    assert kernel[4, 4] == pytest.approx(1 / 29)
    assert (kernel > 1e-9).sum(axis=1).tolist() == [0, 1, 5, 5, 7, 5, 5, 1, 0]


def test_a_softened_disk_is_the_hard_one_after_a_gaussian_of_three_taps():
    hard = disk(6, 0.1)
    np.testing.assert_allclose(disk(6, 0.5), scipy.ndimage.gaussian_filter(hard, 0.5, radius=1), atol=1e-12)


@pytest.mark.parametrize("degrees", [-45, -20, 0, 10, 45])
def test_a_trail_is_half_a_gaussian_on_a_line_about_its_centre_of_mass(degrees):
    kernel = trail(15, 8, angle=math.radians(degrees))
    rows, columns = np.nonzero(kernel)
    centre = scipy.ndimage.center_of_mass(kernel)
    assert kernel.shape == (61, 61)
    assert kernel.sum() == pytest.approx(1)
    assert centre == pytest.approx((30, 30), abs=0.75)
    off_line = (rows - centre[0]) * math.cos(math.radians(degrees))
    off_line -= (columns - centre[1]) * math.sin(math.radians(degrees))
    assert np.abs(off_line).max() < 1


def test_a_level_trail_fades_as_a_gaussian_does():
    """One standard deviation from its head it is exp(-1/2) as strong."""
    row = trail(15, 8, angle=0)[30]
    head = int(row.argmax())
    assert np.count_nonzero(row) == 31
    assert row[head - 8] / row[head] == pytest.approx(math.exp(-0.5))
    assert row[head + 1 :].sum() == 0
