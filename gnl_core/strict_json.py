"""JSON as its standard has it. Python writes NaN and infinities bare, which other programs refuse to read."""

from __future__ import annotations

import json
import math
from typing import Any


def to_json(content: object, *, indent: int | None = None) -> str:
    """Plain values as JSON; null stands for a number that is not finite."""
    return json.dumps(without_not_finite(content), indent=indent, allow_nan=False)


def without_not_finite(content: object) -> object:
    """The same values with None for each number that is not finite."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: without_not_finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_not_finite(value) for value in content]
    return content


def from_json(text: str | bytes) -> Any:
    """Read JSON; bare NaN and infinities, which files of older versions can hold, are missing numbers: None.

    Raises:
        json.JSONDecodeError: If it is none.
    """
    return json.loads(text, parse_constant=lambda _: None)
