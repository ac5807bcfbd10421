"""What the widgets of a page rely on in a query parameter, in other words than the app's."""

from __future__ import annotations

import math
import re

from app.query_values import LARGEST, LONGEST


def is_harmless(value: str) -> bool:
    """Whether a value is short, printable UTF-8, and within what browsers count if it is a number."""
    value.encode()  # no lone surrogate
    number = as_number(value)
    return len(value) <= LONGEST and not re.search(r"[\x00-\x1f\x7f-\x9f]", value) and abs(number) <= LARGEST


def as_number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return math.inf if math.isnan(number) else number
