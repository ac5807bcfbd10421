"""The status that a training process writes to disk every two seconds."""

from __future__ import annotations

import os
import platform
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeGuard

from pydantic import Field

from gnl_core.files import UnreadableFileError
from gnl_core.files.records import FiniteOrNone, SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.finite import DivergedError
from gnl_core.jobs.locks import is_locked
from gnl_core.records import TrainingStep
from gnl_core.runs.folder import RunFolder

State = Literal["waiting", "running", "finished", "diverged", "failed", "stopped"]
BEAT_SECONDS = 2.0
STARTING_SECONDS = 120.0  # time for a new process to report first; importing PyTorch takes long


class Status(SavedRecord):
    """Progress of a training, as reported by its process. Times are in seconds since 1970.

    Attributes:
        state: Current state, or how the training ended.
        queued: Time of the request.
        uptime: Time of this report on the clock of `time.monotonic`, which nobody sets; None in older files.
        time: Time of this report.
        host: Name of the machine.
        pid: Process id; None until the process reports first.
        began: Start time of the process.
        epoch: The current epoch.
        step: Completed batches of that epoch.
        steps: Batches per epoch.
        losses: Each loss by name, averaged over the last epoch; in the first epoch, of the last batch. None where it
            is not finite.
        images_per_second: Speed since the first batch.
        seconds_left: Estimated time to the end of training at that speed.
        reason: Why it failed or diverged, in one sentence.
    """

    state: State
    queued: float = Field(default_factory=time.time)
    uptime: float | None = Field(default_factory=time.monotonic)
    time: float = Field(default_factory=time.time)
    host: str = Field(default_factory=platform.node)
    pid: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    began: float | None = None
    epoch: int = 1
    step: int = 0
    steps: int | None = None
    losses: dict[str, FiniteOrNone] = Field(default_factory=dict)
    images_per_second: float | None = None
    seconds_left: float | None = None
    reason: str | None = None


def read_status(folder: RunFolder) -> Status | None:
    """Read the last status of a run; None if it is missing.

    Raises:
        UnreadableFileError: If the file is damaged.
    """
    try:
        return read_record(folder.status, Status, remedy="remove it; a training process writes it again")
    except FileNotFoundError:
        return None


def find_status(folder: RunFolder) -> Status | None:
    """Read the last status of a run; None if it is missing or damaged, so that other runs do not depend on it."""
    try:
        return read_status(folder)
    except UnreadableFileError:
        return None


def write_status(folder: RunFolder, status: Status) -> None:
    """Replace the status of a run."""
    write_atomically(folder.status, status.model_dump_json(indent=2).encode())


def is_alive(folder: RunFolder) -> bool:
    """Return whether a process trains the run, waits for its turn, or is starting."""
    try:
        if is_locked(folder.lock):
            return True
    except UnreadableFileError:  # no process holds a lock on something else than a file
        return False
    return is_starting(find_status(folder))


def is_starting(status: Status | None) -> TypeGuard[Status]:
    """Return whether a process was started recently and has not reported yet."""
    if status is None or status.state != "waiting" or status.pid is not None:
        return False
    return abs(seconds_since(status)) < STARTING_SECONDS


def seconds_since(status: Status) -> float:
    """Return the seconds since a report, by a clock that nobody sets if it was made here and since the last start.

    Otherwise the result is negative if the clock of the machine that made it is ahead.
    """
    now = time.monotonic()
    if status.uptime is not None and status.uptime <= now and status.host == platform.node():
        return now - status.uptime
    return time.time() - status.time


class Processed(NamedTuple):
    """Steps and images that a process has trained on since its first batch."""

    steps: int
    images: int


class Heartbeat:
    """Updates a run's status during training, and reports how it ended.

    A failure to write the status does not stop training, which reports failures to write its own files.

    Args:
        folder: The run's folder.
        status: The first status.
        epochs: Number of epochs of the whole training.
    """

    def __init__(self, folder: RunFolder, status: Status, *, epochs: int) -> None:
        self.folder = folder
        self.status = status
        self.epochs = epochs
        self.first_step: float | None = None
        self.seen = Processed(steps=0, images=0)
        self.ended = threading.Event()
        self.writing = threading.Lock()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def __enter__(self) -> Self:
        """Write the first status and start the thread."""
        self.update(pid=os.getpid(), began=time.time())
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report how training ended; delete the status if the run was discarded."""
        self.ended.set()
        self.thread.join()
        if error is not None:
            self.update(**describe_end(error))
        if not self.folder.config.exists():
            self.folder.status.unlink(missing_ok=True)

    def beat(self) -> None:
        """Renew the status every BEAT_SECONDS."""
        while not self.ended.wait(BEAT_SECONDS):
            self.update()

    def update(self, **changes: object) -> None:
        """Write the status with changes, if any, and the current time."""
        with self.writing:
            self.status = self.status.model_copy(update={**changes, "time": time.time(), "uptime": time.monotonic()})
            if self.folder.config.exists():
                with suppress(OSError):
                    write_status(self.folder, self.status)

    def record(self, step: TrainingStep) -> None:
        """Record a step, which is written with the next beat."""
        now = time.monotonic()
        if self.first_step is None:
            self.first_step = now
        else:
            self.seen = Processed(self.seen.steps + 1, self.seen.images + step.images)
        has_losses = step.record is not None or step.epoch == 1
        losses = (step.record.losses if step.record else step.losses) if has_losses else self.status.losses
        changes = {"epoch": step.epoch, "step": step.step, "steps": step.steps, "losses": losses}
        with self.writing:
            self.status = self.status.model_copy(update=changes | self.speed(step, now - self.first_step))

    def speed(self, step: TrainingStep, seconds: float) -> dict[str, float]:
        """Return images per second since the first batch, and the estimated time for the remaining batches."""
        if not self.seen.steps:
            return {}
        left = (self.epochs - step.epoch + 1) * step.steps - step.step
        return {
            "images_per_second": self.seen.images / seconds,
            "seconds_left": left * seconds / self.seen.steps,
        }


def describe_end(error: BaseException) -> dict[str, Any]:
    """Return state and reason of a training that ended with an error; an interrupted training was stopped."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return {"state": "stopped"}
    message = str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"
    state = "diverged" if isinstance(error, DivergedError) else "failed"
    return {"state": state, "reason": message.splitlines()[0] if message else type(error).__name__}
