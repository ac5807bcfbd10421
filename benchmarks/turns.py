"""Time several calls in turns, so that the load of other programs affects all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Call = Callable[[], object]
CLOCKS = {"processor": time.process_time, "wall": time.perf_counter}


def take_turns(calls: Sequence[Call], *, clock: str, repeats: int) -> list[list[float]]:
    """Measure several calls in turns, after a warm-up of each.

    Args:
        calls: What to time.
        clock: A name in `CLOCKS`.
        repeats: How often each call is measured.

    Returns:
        The seconds of each call's repeats.
    """
    now, seconds = CLOCKS[clock], [[] for _ in calls]
    for _ in range(1 + repeats):
        for call, times in zip(calls, seconds, strict=True):
            started = now()
            call()
            times.append(now() - started)
    return [times[1:] for times in seconds]
