from __future__ import annotations

import pytest

from gnl_core.percentages import percent


@pytest.mark.parametrize(
    ("share", "whole", "one_decimal"),
    [
        (0, "0 %", "0 %"),
        (0.025, "3 %", "2.5 %"),
        (0.0125, "1 %", "1.3 %"),
        (0.125, "13 %", "12.5 %"),
        (1, "100 %", "100 %"),
    ],
)
def test_halves_go_up_and_zeros_at_the_end_are_left_out(share: float, whole: str, one_decimal: str):
    assert percent(share, decimals=0) == whole
    assert percent(share) == one_decimal
