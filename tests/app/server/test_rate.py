"""Limits on how often somebody does something, and on how much stays in memory."""

from __future__ import annotations

import numpy as np
import pytest

from app.server.memory import drop_oldest, size_of
from app.server.rate import RateLimit
from gnl_core.records import Scores


def test_events_beyond_the_limit_wait_until_the_oldest_leaves_the_period():
    limit = RateLimit(seconds=60)
    assert [limit.take("ann", most=2, now=now) for now in (0.0, 10.0)] == [0, 0]
    assert limit.take("ann", most=2, now=20.0) == 40
    assert limit.take("ann", most=2, now=59.5) == 1
    assert limit.take("ann", most=2, now=60.0) == 0
    assert limit.take("ann", most=2, now=61.0) == 9


def test_people_do_not_use_up_each_others_limit():
    limit = RateLimit(seconds=60)
    assert [limit.take(name, most=1, now=0.0) for name in ("ann", "bob")] == [0, 0]


def test_events_before_the_period_are_forgotten():
    limit = RateLimit(seconds=60)
    for number in range(1000):
        limit.take(f"visitor {number}", most=1, now=float(number))
    assert len(limit.times) == 60


def scores(count: int) -> Scores:
    names = np.full(count, "digits")
    return Scores(np.zeros(count), np.zeros(count, np.int64), names, names, names)


def test_the_size_of_scores_is_that_of_their_arrays():
    arrays = sum(getattr(scores(1000), name).nbytes for name in ("score", "label", "domain", "category", "path"))
    assert size_of(scores(1000)) == pytest.approx(arrays, rel=0.02)
    assert size_of({"paths": ("a" * 1000,) * 2}) > 2000


def test_the_oldest_results_are_dropped_by_number_and_by_size():
    kept = {number: scores(1000) for number in range(5)}
    drop_oldest(kept, most=4, most_bytes=10**9)
    assert list(kept) == [1, 2, 3, 4]
    drop_oldest(kept, most=4, most_bytes=2 * size_of(scores(1000)))
    assert list(kept) == [3, 4]
    drop_oldest(kept, most=4, most_bytes=1)
    assert list(kept) == [4]
