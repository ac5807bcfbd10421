"""The disk below a folder, of which one step can be made to fail, to end the process, or to be looked at."""

from __future__ import annotations

import errno
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NEED_SPACE = {"open", "write", "flush", "fsync", "mkdir", "link"}
BY_PATH = ("replace", "rename", "link", "chmod", "mkdir", "unlink", "rmdir")
TAKE_EFFECT = "replace", "rename", "link", "unlink", "rmdir"  # what removes or replaces a name

Effect = Callable[[str], None]


def kill(_: str) -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Stream:
    """A file being written, of which half is on disk when a step fails."""

    def __init__(self, stream: IO[bytes], step: Callable[[str], None]) -> None:
        self.stream, self.step = stream, step

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def write(self, content: bytes) -> int:
        half = len(content) // 2
        self.stream.write(content[:half])
        self.stream.flush()
        self.step("write")
        return half + self.stream.write(content[half:])

    def flush(self) -> None:
        self.step("flush")
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()


class Disk:
    """Counts the steps that change what is below a folder, and has an effect at one of them.

    Args:
        root: The folder.
        at: Number of the step, from 0; None for no effect.
        error: The number of the error that is raised there.
        effect: What happens before that step instead.
        lasting: Whether it happens at every later step, too, that needs space; a disk stays full.
    """

    def __init__(
        self,
        root: Path,
        *,
        at: int | None = None,
        error: int = errno.ENOSPC,
        effect: Effect | None = None,
        lasting: bool = False,
    ) -> None:
        self.root, self.at, self.error, self.effect, self.lasting = root.resolve(), at, error, effect, lasting
        self.steps: list[str] = []
        self.descriptors: set[int] = set()

    def step(self, name: str, path: object = "") -> None:
        """Count a step, and fail if it is its turn."""
        number = len(self.steps)
        self.steps.append(f"{name} {Path(str(path)).name}".strip())
        is_late = self.lasting and self.at is not None and number > self.at and name in NEED_SPACE
        if number == self.at or is_late:
            if self.effect is None:
                raise OSError(self.error, os.strerror(self.error))
            self.effect(self.steps[-1])

    def is_below(self, path: object, dir_fd: int | None = None) -> bool:
        if not isinstance(path, (str, os.PathLike)):
            return False
        return dir_fd in self.descriptors or Path(path).absolute().is_relative_to(self.root)

    @contextmanager
    def watched(self) -> Iterator[Disk]:
        """Count the steps of this process in this context."""
        with pytest.MonkeyPatch.context() as patch:
            self.watch_descriptors(patch)
            for name in BY_PATH:
                self.watch_path(patch, name)
            yield self

    def watch_path(self, patch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(os, name)

        def call(path: Any, *more: Any, **given: Any) -> Any:
            if self.is_below(path, given.get("dir_fd")):
                self.step(name, more[0] if name in ("replace", "rename", "link") else path)
            return real(path, *more, **given)

        patch.setattr(os, name, call)

    def watch_descriptors(self, patch: pytest.MonkeyPatch) -> None:
        real = {name: getattr(os, name) for name in ("open", "fdopen", "fsync", "close")}

        def open_(path: Any, flags: int, *more: Any, **given: Any) -> int:
            below = self.is_below(path, given.get("dir_fd"))
            if below and flags & WRITING:
                self.step("open", path)
            descriptor: int = real["open"](path, flags, *more, **given)
            if below:
                self.descriptors.add(descriptor)
            return descriptor

        def fdopen(descriptor: int, *more: Any, **given: Any) -> Any:
            stream = real["fdopen"](descriptor, *more, **given)
            return Stream(stream, self.step) if descriptor in self.descriptors else stream

        def fsync(descriptor: int) -> None:
            if descriptor in self.descriptors:
                self.step("fsync")
            real["fsync"](descriptor)

        def close(descriptor: int) -> None:
            self.descriptors.discard(descriptor)
            real["close"](descriptor)

        for name, call in {"open": open_, "fdopen": fdopen, "fsync": fsync, "close": close}.items():
            patch.setattr(os, name, call)


def in_child(work: Callable[[], object]) -> int:
    """Run work in a forked process, silent; return its exit code, or minus the signal that ended it."""
    child = os.fork()
    if not child:
        code = 1
        try:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            code = int(work() or 0)  # type: ignore[call-overload]
        except BaseException:
            traceback.print_exc()  # pytest shows it if the test fails
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
