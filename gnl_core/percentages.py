"""Format shares in percent, rounded in the same way everywhere."""

from __future__ import annotations

import math


def percent(share: float, *, decimals: int = 1) -> str:
    """Format a share in percent, without zeros at its end: 0.025 is 2.5 %, and 3 % without decimals.

    Args:
        share: The share, usually in [0, 1].
        decimals: How many decimals it has at most.
    """
    return f"{round_percent(share, decimals=decimals):.15g} %"


def round_percent(share: float, *, decimals: int = 0) -> float:
    """Return a share in percent, rounded; halves go up, as `Math.round` does on pages in a file."""
    scale = 10**decimals
    return math.floor(100 * share * scale + 0.5) / scale
