"""Locks on files, by filelock. The operating system releases a lock when its process ends, however it ends.

A run's lock shows whether its process is alive; its process number does not, since a zombie still has one and numbers
are reused. A lock file without a process means nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout, lock_descriptor, unlock_descriptor

from gnl_core.files import MIB, UnreadableFileError, open_file

PATIENCE_SECONDS = 2.0  # checking whether a lock is held takes it for a moment
PAUSE_SECONDS = 0.02
LOCK_BYTES = MIB  # a lock file is empty
CHECKS = 4  # since another process may be checking, too
BETWEEN_CHECKS_SECONDS = 0.005


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Acquire the lock, creating the file if needed; yield whether it was acquired.

    Raises:
        OSError: If the file cannot be written, or its file system has no locks.
        UnreadableFileError: If there is something else than a file.
    """
    with suppress(FileNotFoundError):
        open_existing(path).close()
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)  # a soft lock would outlive its process
    try:
        lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=PAUSE_SECONDS)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on a file; no file is created."""
    try:
        stream = open_existing(path)
    except FileNotFoundError:
        return False
    with stream:
        for _ in range(CHECKS):
            if is_free(stream):
                return False
            time.sleep(BETWEEN_CHECKS_SECONDS)
    return True


def open_existing(path: Path) -> BinaryIO:
    """Open a file for writing, which NFS requires for locks, or else for reading; errors as for `open_file`."""
    try:
        return open_file(path, limit_bytes=LOCK_BYTES, writable=True)
    except UnreadableFileError:
        return open_file(path, limit_bytes=LOCK_BYTES)


def is_free(stream: BinaryIO) -> bool:
    """Take a file's lock and release it at once; False if it is held, or if the file system refuses."""
    try:
        if not lock_descriptor(stream.fileno(), blocking=False):
            return False
        unlock_descriptor(stream.fileno())
    except OSError:
        return False
    return True
