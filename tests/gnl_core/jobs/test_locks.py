from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import lock_descriptor, unlock_descriptor

from gnl_core.jobs.locks import holding, is_locked

HOLD = """
import sys, time
from pathlib import Path
from gnl_core.jobs.locks import holding
with holding(Path(sys.argv[1])) as got:
    print(got, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a file."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_a_lock_has_a_single_holder_until_it_is_released(tmp_path: Path):
    lock = tmp_path / "lock"
    assert not is_locked(lock)
    with holding(lock) as first:
        assert first
        assert is_locked(lock)
        with holding(lock) as second:
            assert not second
        assert is_locked(lock)
    assert not is_locked(lock)
    with holding(lock) as again:
        assert again


def test_checking_a_lock_creates_no_file(tmp_path: Path):
    assert not is_locked(tmp_path / "lock")
    assert not list(tmp_path.iterdir())


def test_a_file_left_behind_holds_no_lock(tmp_path: Path):
    (tmp_path / "lock").write_text("of a process that has ended")
    assert not is_locked(tmp_path / "lock")
    with holding(tmp_path / "lock") as got:
        assert got


def test_a_file_that_cannot_be_written_can_be_looked_at(
    holder: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = Path.open

    def refuse_writing(path: Path, mode: str) -> object:
        if mode != "rb":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", refuse_writing)
    assert is_locked(tmp_path / "lock")
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path / "lock")


def test_another_process_that_checks_the_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (tmp_path / "lock").open("ab") as other:
        monkeypatch.setattr(time, "sleep", lambda _: unlock_descriptor(other.fileno()))
        assert lock_descriptor(other.fileno(), blocking=False)
        assert not is_locked(tmp_path / "lock")
        assert lock_descriptor(other.fileno(), blocking=False)
        with holding(tmp_path / "lock") as got:
            assert got


def test_a_lock_of_another_process_is_seen(holder: subprocess.Popen[str], tmp_path: Path):
    assert is_locked(tmp_path / "lock")
    with holding(tmp_path / "lock") as got:
        assert not got


@pytest.mark.skipif(os.name != "posix", reason="Windows has no zombies")
def test_a_zombie_holds_no_lock(holder: subprocess.Popen[str], tmp_path: Path):
    os.kill(holder.pid, signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # it has ended and stays a zombie
    os.kill(holder.pid, 0)  # its number says that it lives
    assert not is_locked(tmp_path / "lock")
