"""Work ahead of whoever consumes it, in threads."""

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

    Threads and not processes: Pillow, NumPy and PyTorch let go of Python's lock while they compute, what has been
    decoded is in one memory, nothing has to be pickled, and no process starts anew each epoch.

    Args:
        make: Called once a job, from one of the threads.
        jobs: What to make.
        workers: Number of threads, and of results that are made or kept ahead; 0 makes each when it is asked for.

    Yields:
        What `make` gives. Where it raises, so does this, when its turn has come.
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
