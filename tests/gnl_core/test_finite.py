from __future__ import annotations

import numpy as np
import pytest
import torch

from gnl_core.finite import DivergedError, check_scores, count_not_finite, find_not_finite

NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NOT_FINITE)
def test_each_number_that_is_not_finite_is_counted(value: float):
    assert count_not_finite(np.array([0.0, value, 1.0, value])) == 2
    with pytest.raises(
        DivergedError, match=r"^a run, digits: this run diverged \(1 of 3 scores are not finite\); train"
    ):
        check_scores(np.array([0.0, value, 1.0]), source="a run, digits")


def test_finite_scores_pass():
    check_scores(np.array([-1e300, 0.0, 1e300]), source="a run")
    check_scores(np.empty(0), source="a run")


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_the_tensor_that_is_not_finite_is_named(value: float, kind: torch.dtype):
    fine, bad = torch.ones(4, dtype=kind), torch.ones(3, 2, dtype=kind)
    bad[1, 1] = value
    assert find_not_finite({"a": fine, "b": bad, "c": bad}) == "b"
    assert find_not_finite({"a": fine}) is None


def test_opposite_infinities_do_not_cancel():
    assert find_not_finite({"a": torch.tensor([float("inf"), float("-inf")])}) == "a"


def test_finite_values_with_an_infinite_sum_are_finite():
    large = torch.full((9,), torch.finfo(torch.float32).max)
    assert large.sum().isinf()
    assert find_not_finite({"a": large, "count": torch.tensor(7), "none": torch.empty(0)}) is None
