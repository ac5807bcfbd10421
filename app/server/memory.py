"""Bound how much of what was computed stays in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def drop_oldest(kept: dict[Any, Any], *, most: int, most_bytes: int) -> None:
    """Drop the oldest results until neither their number nor their size exceeds its limit; the newest one stays."""
    sizes = {key: size_of(result) for key, result in kept.items()}
    total = sum(sizes.values())
    while len(kept) > 1 and (len(kept) > most or total > most_bytes):
        oldest = next(iter(kept))
        del kept[oldest]
        total -= sizes[oldest]


def size_of(result: Any) -> int:
    """Estimate the size of a result in bytes: its arrays, and the records and containers around them."""
    if isinstance(result, np.ndarray):
        inside = sum(map(sys.getsizeof, result)) if result.dtype.hasobject and result.ndim == 1 else 0
        return sys.getsizeof(result) + inside
    return sys.getsizeof(result) + sum(map(size_of, parts_of(result)))


def parts_of(result: Any) -> Iterable[Any]:
    """Return what a record or container contains; nothing for other values."""
    if is_dataclass(result) and not isinstance(result, type):
        return [getattr(result, field.name) for field in fields(result)]
    if isinstance(result, Mapping):
        return result.values()
    return result if isinstance(result, (tuple, list)) else ()
