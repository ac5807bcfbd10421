import numpy as np
import pytest

from gnl_core.finite import DivergedError
from gnl_core.metrics.map_scale import sampling_step, scale_of_maxima, scale_of_scores


def test_the_scale_ends_where_995_of_1000_maxima_do():
    assert scale_of_maxima(np.arange(1001, dtype=np.float32)) == 995


def test_of_many_images_at_most_256_spread_evenly_are_taken():
    assert sampling_step(256, limit=256) == 1
    assert sampling_step(257, limit=256) == 2
    assert sampling_step(0, limit=256) == 1
    rows = np.zeros(512)
    rows[1::2] = 9.0  # every second row is left out
    assert scale_of_scores(rows, None) == 0


def test_held_out_images_count_as_the_others_do():
    assert scale_of_scores(np.zeros(1), np.full(1, 1.0)) == pytest.approx(0.995)


def test_maxima_that_are_not_finite_have_no_scale():
    with pytest.raises(DivergedError, match="the anomaly maps have no scale"):
        scale_of_maxima(np.array([1.0, np.nan]))
