import numpy as np
import pytest

from gnl_core.plots.values import LARGEST_POINTS, reference_strip, value_curves


def test_each_curve_goes_from_the_smallest_value_to_the_largest():
    before, after, reference = (np.linspace(low, low + 1, 9, dtype=np.float32) for low in (0, 1, 2))
    figure = value_curves(before, after, reference)
    drawn = {trace.name: (trace.x[0], trace.x[-1], trace.y[0], trace.y[-1]) for trace in figure.data}
    assert drawn == {"before": (0, 100, 0, 1), "after": (0, 100, 1, 2), "reference": (0, 100, 2, 3)}


def test_a_long_curve_is_read_at_fewer_ranks_and_keeps_its_ends():
    values = np.sort(np.random.default_rng(0).normal(size=5000)).astype(np.float32)
    (curve, _) = value_curves(values, values, None).data
    assert len(curve.y) == LARGEST_POINTS
    assert (curve.y[0], curve.y[-1]) == pytest.approx((values[0], values[-1]))


def test_the_strip_has_a_dot_for_each_reference_and_a_line_at_their_mean():
    figure = reference_strip(np.array([1.0, 2.0, 6.0], dtype=np.float32), together=2.5, off=4.0)
    dots, together, off = figure.data
    assert list(dots.x) == [1, 2, 6]
    assert figure.layout.shapes[0].x0 == 3
    assert (list(together.x), list(off.x)) == ([2.5], [4.0])
