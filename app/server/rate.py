"""A limit on how often somebody does something."""

from __future__ import annotations

import math
import threading
from collections import deque


class RateLimit:
    """Counts events per key within a sliding period.

    Args:
        seconds: The period.
    """

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self.times: dict[str, deque[float]] = {}
        self.lock = threading.Lock()

    def take(self, key: str, *, most: int, now: float) -> float:
        """Count an event unless there were too many; return how long to wait, in whole seconds, or 0 if counted.

        Args:
            key: Whose event it is.
            most: Number of events allowed within the period.
            now: The current time in seconds, which never goes back.
        """
        with self.lock:
            self.forget(now)
            times = self.times.setdefault(key, deque())
            if len(times) >= most:
                return max(1.0, math.ceil(times[-most] + self.seconds - now))
            times.append(now)
            return 0.0

    def forget(self, now: float) -> None:
        """Drop events before the period, and keys without events."""
        for key, times in list(self.times.items()):
            while times and times[0] <= now - self.seconds:
                times.popleft()
            if not times:
                del self.times[key]
