from __future__ import annotations

import pytest

from gnl_core.config import parse_config
from gnl_core.config.values import stage_indices


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (64, (64, 64)),
        ("64", (64, 64)),
        ("48x64", (48, 64)),
        ("28X40", (28, 40)),
        ((48, 64), (48, 64)),
        ([48, 64], (48, 64)),
        ("28", (28, 28)),
        ("2048x2048", (2048, 2048)),
    ],
)
def test_an_image_size_is_height_by_width(written: object, size: tuple[int, int]):
    assert parse_config({"image_size": written}).image_size == size


@pytest.mark.parametrize("written", ["27", "2049", "64x27", "64x", "x", "", "64x64x3", "big", 3.5, None, (64,), -64])
def test_an_impossible_image_size_is_refused(written: object):
    with pytest.raises(ValueError, match="invalid settings: image_size = "):
        parse_config({"image_size": written})


def test_stages_are_counted_from_1_in_settings_and_from_0_in_code():
    assert stage_indices("1,3") == {0, 2}
    assert stage_indices("2") == {1}
