from __future__ import annotations

import json
from typing import Any

import pytest

from gnl_core.records import Threshold
from gnl_core.strict_json import to_json


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_null_at_any_depth(value: float):
    content = {"a": value, "b": [1.5, (value, 2)], "c": {"d": Threshold(value, 0.5, 3)}}
    text = to_json(content, indent=2)
    assert json.loads(text, parse_constant=refuse) == {
        "a": None,
        "b": [1.5, [None, 2]],
        "c": {"d": [None, 0.5, 3, 0]},
    }


def test_other_values_are_written_as_python_writes_them():
    content = {"text": "é", "none": None, "yes": True, "count": 3, "share": 0.1, "names": ("a", "b")}
    assert to_json(content) == json.dumps(content)
