"""Locks on files. The operating system lets go of them when their process ends, however it ends.

Whether a process lives is asked of its lock, not of its number: a zombie has none, and numbers are given again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE_SECONDS = 2.0  # whoever looks whether a lock is held holds it for a moment
PAUSE_SECONDS = 0.02


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Acquire the lock, creating the file if needed; yield whether it was acquired."""
    with path.open("ab") as stream:
        got = take_soon(stream.fileno())
        try:
            yield got
        finally:
            if got:
                let_go(stream.fileno())


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on a file."""
    try:
        with path.open("rb") as stream:
            if not take(stream.fileno(), shared=True):
                return True
            let_go(stream.fileno())
            return False
    except FileNotFoundError:
        return False


def take_soon(descriptor: int) -> bool:
    """Take a file's lock, trying for two seconds; whether it was taken."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not take(descriptor, shared=False):
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def take(descriptor: int, *, shared: bool) -> bool:
    """Take a file's lock if it is free, alone or shared with others who look; Windows knows no shared ones."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_NB | (fcntl.LOCK_SH if shared else fcntl.LOCK_EX))
    except OSError:
        return False
    return True


def let_go(descriptor: int) -> None:
    """Give a lock back."""
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
