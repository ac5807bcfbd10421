"""JSON that follows its standard; Python's own NaN and Infinity are invalid JSON, which other programs reject."""

from __future__ import annotations

import json
import math


def to_json(content: object, *, indent: int | None = None) -> str:
    """Write plain values as JSON, with null for numbers that are not finite."""
    return json.dumps(without_not_finite(content), indent=indent, allow_nan=False)


def without_not_finite(content: object) -> object:
    """Replace each number that is not finite by None."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: without_not_finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_not_finite(value) for value in content]
    return content
