"""Make results ahead of their consumer, in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def prefetch(make: Callable[[Job], Result], jobs: Sequence[Job], *, workers: int) -> Iterator[Result]:
    """Make the result of each job, in the order of the jobs, some of them ahead of time.

    It uses threads, not processes: Pillow, NumPy and PyTorch release Python's lock while they compute, decoded images
    are in shared memory, nothing has to be pickled, and no process has to start each epoch.

    Args:
        make: Called once per job, from one of the threads.
        jobs: The jobs.
        workers: Number of threads, and of results made ahead of time; 0 makes each result on demand.

    Yields:
        The results of `make`. An exception in `make` is raised when its result is due.
    """
    if not workers:
        yield from map(make, jobs)
        return
    waiting = iter(jobs)
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Result]] = deque(pool.submit(make, job) for job in islice(waiting, workers))
        try:
            while ahead:
                result = ahead.popleft().result()
                ahead.extend(pool.submit(make, job) for job in islice(waiting, 1))
                yield result
        finally:  # the consumer may stop early
            for future in ahead:
                future.cancel()
