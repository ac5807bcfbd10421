"""A training on a real file system that is too small for it: a tmpfs that only this test's process sees."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.jobs.listing import list_jobs
from gnl_core.runs.folder import RunFolder
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.disk import in_child
from tests.torture.faults.test_full_disk import spread, without_temporary
from tests.torture.faults.whole import check_file, read_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the test mounts a tmpfs")
NEW_MOUNTS = 0x20000  # CLONE_NEWNS: mounts of this process alone
CANNOT_MOUNT = 77
KIB = 1024
FLAGS = [*TRAIN, "--save-minutes=0.000001"]


def mount(*arguments: str) -> None:
    """Run mount; raise if it fails."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def train_on(place: Path, size: int, expected: bytes) -> bool:
    """Train on a disk of some bytes, then on a larger one; return whether the first was too small."""
    mount("-t", "tmpfs", "-o", f"size={size}", "none", str(place))
    run = RunFolder(place / "runs" / "run")
    was_full = main(["train", "--run", str(run.path), *FLAGS]) != 0
    for name, content in read_files(place).items():
        assert not Path(name).name.startswith("."), name
        check_file(name, content)
    for job in list_jobs(run.path.parent):
        assert job.state == ("failed" if job.reason else "stale") or not was_full, job
    mount("-o", "remount,size=1g", str(place))
    if was_full:
        again = ["--resume"] if run.config.exists() else FLAGS
        assert main(["train", "--run", str(run.path), *again]) == 0
    assert run.weights.read_bytes() == expected
    assert [job.state for job in list_jobs(run.path.parent)] == ["finished"]
    subprocess.run(["umount", str(place)], check=True)
    return was_full


def test_a_training_on_a_disk_of_any_size_ends_whole_and_resumes_on_a_larger_one(tmp_path: Path, tally: Tally):
    whole, place, log = tmp_path / "whole", tmp_path / "place", tmp_path / "log"
    assert main(["train", "--run", str(whole), *FLAGS]) == 0
    expected = (whole / "weights.safetensors").read_bytes()
    needed = 3 * sum(len(content) for content in without_temporary(read_files(whole)).values())
    sizes = [4 * KIB + number * needed // 48 for number in spread(48, tally.choose(short=3, full=24))]
    place.mkdir()

    def work() -> int:
        if ctypes.CDLL(None).unshare(NEW_MOUNTS):
            return CANNOT_MOUNT
        try:
            mount("--make-rprivate", "/")
            mount("-t", "tmpfs", "none", str(place))
        except (OSError, subprocess.CalledProcessError):
            return CANNOT_MOUNT
        full = sum(train_on(place, size, expected) for size in sizes)
        log.write_text(str(full))
        return 0

    code = in_child(work)
    if code == CANNOT_MOUNT:
        pytest.skip("mounting is not permitted here")
    assert code == 0
    full = int(log.read_text())
    assert full > len(sizes) // 3
    assert not os.path.ismount(place)
    tally.report("small file system", sizes=len(sizes), injected=full)
