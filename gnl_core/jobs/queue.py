"""The queue of a folder of runs: which trainings wait, and how many may wait or be active."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gnl_core.jobs.locks import holding
from gnl_core.jobs.status import Status, find_status, is_alive
from gnl_core.runs.folder import RunFolder

LOCK_NAME = ".queue"  # in the folder of runs; held while a training is added


def waiting_jobs(root: Path) -> list[tuple[RunFolder, Status]]:
    """List the waiting jobs of a folder of runs in queue order."""
    statuses = [
        (folder, find_status(folder)) for folder in (RunFolder(file.parent) for file in root.glob("*/status.json"))
    ]
    waiting = [(folder, status) for folder, status in statuses if status is not None and status.state == "waiting"]
    alive = [(folder, status) for folder, status in waiting if is_alive(folder)]
    return sorted(alive, key=lambda job: (job[1].queued, job[0].path.name))


@contextmanager
def joining(root: Path, own: Path, *, queues: Sequence[Path], most_waiting: int, most_active: int) -> Iterator[None]:
    """Hold a lock while a training is added, so that two added at once cannot exceed a limit together.

    Args:
        root: Folder for the lock, the same for all trainings that the limits count together.
        own: Folder of runs that the training is added to.
        queues: Folders of runs whose waiting trainings count together.
        most_waiting: Number of trainings in `queues` that may wait or be about to start.
        most_active: Number of trainings in `own` that may be active.

    Raises:
        ValueError: If a limit is reached, or others are adding trainings.
    """
    root.mkdir(parents=True, exist_ok=True)
    with holding(root / LOCK_NAME) as acquired:
        if not acquired:
            raise ValueError("other trainings are being started; try again in a moment")
        waiting = sum(len(waiting_jobs(queue)) for queue in queues)
        if waiting >= most_waiting:
            raise ValueError(f"{waiting} trainings are waiting, and at most {most_waiting} may; stop one, or try later")
        active = count_active(own)
        if active >= most_active:
            raise ValueError(f"{active} of your trainings are active, and at most {most_active} may be; stop one first")
        yield


def count_active(root: Path) -> int:
    """Return the number of trainings in a folder of runs that run, wait or are starting."""
    return sum(is_alive(RunFolder(file.parent)) for file in root.glob("*/status.json"))


def claim_folder(root: Path, name: str) -> Path:
    """Create a new folder for a run, with a number appended to its name if it is taken.

    Raises:
        OSError: If no folder can be created there.
    """
    root.mkdir(parents=True, exist_ok=True)
    number, path = 1, root / name
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            path = root / f"{name}-{number}"
        else:
            return path
