from __future__ import annotations

import threading

import pytest

from gnl_core.datasets.prefetching import prefetch


@pytest.mark.parametrize("workers", [0, 1, 2, 30])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_results_come_in_the_order_of_their_jobs(workers: int, count: int):
    assert list(prefetch(lambda job: job * job, range(count), workers=workers)) == [job * job for job in range(count)]


def test_several_jobs_are_worked_on_at_a_time():
    meeting = threading.Barrier(3, timeout=60)  # nobody gets through before there are three
    assert sorted(prefetch(lambda job: meeting.wait(), range(6), workers=3)) == [0, 0, 1, 1, 2, 2]


def test_at_most_as_many_results_as_workers_are_prepared_ahead():
    made: list[int] = []
    results = prefetch(lambda job: made.append(job) or job, range(100), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(made) <= 3 + 2
    results.close()


def test_without_workers_results_are_computed_on_demand():
    made: list[int] = []
    results = prefetch(made.append, range(5), workers=0)
    next(results)
    assert made == [0]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_raised_in_the_order_of_the_results(workers: int):
    def invert(job: int) -> float:
        return 1 / (job - 2)

    results = prefetch(invert, range(5), workers=workers)
    assert [next(results), next(results)] == [-0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_is_left_when_the_consumer_stops_early():
    before = threading.active_count()
    results = prefetch(lambda job: job, range(100), workers=4)
    next(results)
    assert threading.active_count() > before
    results.close()
    assert threading.active_count() == before
