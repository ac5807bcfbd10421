from __future__ import annotations

import numpy as np
import pytest

from gnl_core.datasets.rle import decode_runs, parse_runs

SQUARE = np.zeros((7, 9), bool)
SQUARE[2:5, 3:7] = True
SQUARE[0, 0] = True
ROWS, COLUMNS = np.mgrid[:60, :80]
RING = ((ROWS - 30) ** 2 / 400 + (COLUMNS - 41) ** 2 / 900 < 1) & ((ROWS - 30) ** 2 + (COLUMNS - 41) ** 2 >= 50)
ENCODED_RING = (
    "Yg0;_14M2N2M4N0O2N2N2O0O2O0O2O0O2O0O2O00000O2O00\\O\\O0d0MB0>OD0<OF0:OH080H080H08OJ061H080H080H081F0:1D0<1B0>3\\O0d"
    "0d0001N1000001N101N101N101N101N2N2N102L3N2N3LU`0"
)


@pytest.mark.parametrize(("text", "mask"), [("01f02^O00000<", SQUARE), (ENCODED_RING, RING)])
def test_text_that_pycocotools_wrote_is_decoded_to_the_mask_it_was_written_from(text: str, mask: np.ndarray):
    np.testing.assert_array_equal(decode_runs(parse_runs(text), height=mask.shape[0], width=mask.shape[1]), mask)


def test_runs_go_down_the_columns_and_begin_with_unmarked_pixels():
    expected = [[False, True, False], [False, True, False], [True, False, True]]
    assert decode_runs([2, 3, 3, 1], height=3, width=3).tolist() == expected
    assert decode_runs([0, 6], height=2, width=3).all()


@pytest.mark.parametrize("runs", [[], [5], [3, 4], [-2, 8], [2**70, 6]])
def test_runs_that_do_not_fill_the_mask_exactly_are_refused(runs: list[int]):
    with pytest.raises(ValueError, match="but its mask has 3x2"):
        decode_runs(runs, height=2, width=3)


@pytest.mark.parametrize("text", ["~~", "000P", "o" * 10 + "0", "é", "0 0"])
def test_text_that_is_no_code_is_refused(text: str):
    with pytest.raises(ValueError, match="not one of COCO's"):
        parse_runs(text)
