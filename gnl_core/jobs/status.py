"""What the process that trains a run says of itself, on disk, every other second."""

from __future__ import annotations

import os
import platform
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gnl_core.files import write_atomically
from gnl_core.finite import DivergedError
from gnl_core.jobs.locks import is_locked
from gnl_core.records import TrainingStep
from gnl_core.runs.folder import RunFolder

State = Literal["waiting", "running", "finished", "diverged", "failed", "stopped"]
BEAT_SECONDS = 2.0
STARTING_SECONDS = 120.0  # until a process that was just started says its first word; PyTorch takes long to import


class Status(BaseModel):
    """How far a training is, by its own word.

    Attributes:
        state: What it does, or how it ended.
        queued: When it was asked for, in seconds since 1970, as all times here.
        time: When it said this.
        host: Its machine.
        pid: Its process; None until that says its first word.
        began: When the process began.
        epoch: The epoch under way.
        step: Batches of that epoch that are done.
        steps: Batches an epoch.
        losses: Each named loss, the last epoch's mean; in the first epoch the last batch's value. None where it is not
            finite.
        images_per_second: Since its first batch.
        seconds_left: Until the training's end at that speed.
        reason: Why it failed or diverged, in one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State
    queued: float = Field(default_factory=time.time)
    time: float = Field(default_factory=time.time)
    host: str = Field(default_factory=platform.node)
    pid: int | None = None
    began: float | None = None
    epoch: int = 1
    step: int = 0
    steps: int | None = None
    losses: dict[str, float | None] = {}
    images_per_second: float | None = None
    seconds_left: float | None = None
    reason: str | None = None


def read_status(folder: RunFolder) -> Status | None:
    """What the process last said; None for a run whose process said nothing, or nothing that can be read."""
    try:
        return Status.model_validate_json(folder.status.read_bytes())
    except (OSError, ValidationError):
        return None


def write_status(folder: RunFolder, status: Status) -> None:
    """Replace what was said."""
    write_atomically(folder.status, status.model_dump_json(indent=2).encode())


def is_alive(folder: RunFolder) -> bool:
    """Whether a process trains the run, waits to, or was started so lately that it has not said a word yet."""
    return is_locked(folder.lock) or is_starting(read_status(folder))


def is_starting(status: Status | None) -> TypeGuard[Status]:
    """Whether a process was started so lately that it need not have said a word yet."""
    if status is None or status.state != "waiting" or status.pid is not None:
        return False
    return time.time() - status.time < STARTING_SECONDS


class Processed(NamedTuple):
    """What a process has learnt from since its first batch."""

    steps: int
    images: int


class Heartbeat:
    """Keeps a run's status fresh while its process trains it, and says at the end how that went.

    A status that cannot be written stops no training: the training tells by itself if its own files cannot.

    Args:
        folder: The run.
        status: What to say first.
        epochs: Epochs of the whole training.
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
        """Begin to beat."""
        self.tell(pid=os.getpid(), began=time.time())
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how it ended, unless the run took itself back."""
        self.ended.set()
        self.thread.join()
        if error is not None:
            self.tell(**describe_end(error))
        if not self.folder.config.exists():
            self.folder.status.unlink(missing_ok=True)

    def beat(self) -> None:
        """Say every other second that the process lives."""
        while not self.ended.wait(BEAT_SECONDS):
            self.tell()

    def tell(self, **changes: object) -> None:
        """Say something new, or the old again."""
        with self.writing:
            self.status = self.status.model_copy(update={**changes, "time": time.time()})
            if self.folder.config.exists():
                with suppress(OSError):
                    write_status(self.folder, self.status)

    def note(self, step: TrainingStep) -> None:
        """Take in a step; it is said with the next beat."""
        now = time.monotonic()
        if self.first_step is None:
            self.first_step = now
        else:
            self.seen = Processed(self.seen.steps + 1, self.seen.images + step.images)
        told = step.record is not None or step.epoch == 1
        losses = (step.record.losses if step.record else step.losses) if told else self.status.losses
        changes = {"epoch": step.epoch, "step": step.step, "steps": step.steps, "losses": losses}
        with self.writing:
            self.status = self.status.model_copy(update=changes | self.speed(step, now - self.first_step))

    def speed(self, step: TrainingStep, seconds: float) -> dict[str, float]:
        """Images a second since the first batch, and the time that the batches after a step will take."""
        if not self.seen.steps:
            return {}
        left = (self.epochs - step.epoch + 1) * step.steps - step.step
        return {
            "images_per_second": self.seen.images / seconds,
            "seconds_left": left * seconds / self.seen.steps,
        }


def describe_end(error: BaseException) -> dict[str, Any]:
    """State and reason of a training that an error ended; one that somebody broke off was stopped."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return {"state": "stopped"}
    told = str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"
    state = "diverged" if isinstance(error, DivergedError) else "failed"
    return {"state": state, "reason": told.splitlines()[0] if told else type(error).__name__}
