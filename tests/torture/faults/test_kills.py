"""kill -9 at each write of a training and a scoring, of a job that waits or starts, of a server, and of one of two."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.jobs.listing import VANISHED, list_jobs, read_job
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.queue import joining
from gnl_core.jobs.start import start
from gnl_core.jobs.status import Status, find_status, write_status
from gnl_core.jobs.stop import wait_until
from gnl_core.jobs.worker import turn_file, waiting_jobs
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config
from gnl_core.runs.scores import read_saved_scores
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.disk import Disk, in_child, kill
from tests.torture.faults.test_full_disk import spread, without_temporary
from tests.torture.faults.whole import check_file, read_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tests fork and kill processes by a signal")
PATIENCE_SECONDS = 90


def killed_at(root: Path, at: int, arguments: list[str]) -> int:
    """Run a command in a process that is killed before one step that changes the disk."""

    def work() -> int:
        with Disk(root, at=at, effect=kill).watched():
            return main(arguments)

    return in_child(work)


def count_steps(root: Path, arguments: list[str]) -> list[str]:
    """Run a command to its end and return its steps."""
    disk = Disk(root)
    with disk.watched():
        assert main(arguments) == 0
    return disk.steps


@pytest.mark.timeout(900)
def test_a_training_that_is_killed_at_any_write_resumes_to_the_same_weights(tmp_path: Path, tally: Tally):
    flags = [*TRAIN, "--save-minutes=0.000001"]
    whole, run = RunFolder(tmp_path / "whole" / "run"), RunFolder(tmp_path / "place" / "run")
    steps = count_steps(whole.path.parent, ["train", "--run", str(whole.path), *flags])
    chosen = spread(len(steps), tally.choose(short=4, full=10_000))
    for at in chosen:
        fault = f"killed at step {at}: {steps[at]}"
        shutil.rmtree(run.path.parent, ignore_errors=True)
        assert killed_at(run.path.parent, at, ["train", "--run", str(run.path), *flags]) == -signal.SIGKILL, fault
        for name, content in without_temporary(read_files(run.path.parent)).items():
            check_file(name, content)
        for job in list_jobs(run.path.parent):
            ended = is_trained(run, read_config(run))
            expected = ("finished", None) if ended else ("stale", VANISHED)
            assert (job.state, job.reason) == expected, fault
        if not (run.config.exists() and is_trained(run, read_config(run))):
            again = ["--resume"] if run.config.exists() else flags
            assert main(["train", "--run", str(run.path), *again]) == 0, fault
        assert run.weights.read_bytes() == whole.weights.read_bytes(), fault
        assert read_job(run).state == "finished", fault
        left = {name for name in read_files(run.path) if name.startswith(".")}
        assert not left or not steps[at].startswith(("open", "write", "flush", "fsync", "chmod", "replace")) or ended
    tally.report("kill -9, gnl train", points=len(steps), injected=len(chosen))


def test_a_scoring_that_is_killed_at_any_write_keeps_the_older_scores(copied: RunFolder, tmp_path: Path, tally: Tally):
    arguments = ["score", str(copied.path), "--domain", "digits"]
    steps = count_steps(copied.path.parent, arguments)
    before = read_files(copied.path)
    chosen = spread(len(steps), tally.choose(short=2, full=10_000))
    for at in chosen:
        fault = f"killed at step {at}: {steps[at]}"
        assert killed_at(copied.path.parent, at, arguments) == -signal.SIGKILL, fault
        assert without_temporary(read_files(copied.path)) == before, fault
        assert read_saved_scores(copied) is not None, fault
    assert main(arguments) == 0
    assert without_temporary(read_files(copied.path)) == before
    tally.report("kill -9, gnl score", points=len(steps), injected=len(chosen))


def test_a_waiting_job_that_is_killed_leaves_the_queue_and_can_be_resumed(
    tmp_path: Path, tiny_config: Callable[..., RunConfig], tally: Tally
):
    folder = create_run(tmp_path / "runs" / "run", tiny_config(detector="deep_svdd", limit=12))
    write_status(folder, Status(state="waiting"))
    with holding(turn_file(folder.path.parent)):
        child = os.fork()
        if not child:
            os._exit(main(["train", "--run", str(folder.path), "--resume", "--job"]))
        assert wait_until(lambda: reported_by(folder) == child, seconds=PATIENCE_SECONDS)
        assert [job.state for job in list_jobs(folder.path.parent)] == ["waiting"]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        job = read_job(folder)
        assert (job.state, job.reason) == ("stale", VANISHED)
        assert waiting_jobs(folder.path.parent) == []
    assert main(["train", "--run", str(folder.path), "--resume"]) == 0
    assert read_job(folder).state == "finished"
    tally.report("kill -9, waiting job", injected=1)


def reported_by(folder: RunFolder) -> int | None:
    status = find_status(folder)
    return status.pid if status else None


def test_a_job_that_is_killed_before_it_reports_does_not_wait_for_ever(
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
):
    monkeypatch.setattr(sys, "executable", "/bin/cat")  # a process that never reports: it waits for what it reads
    monkeypatch.setattr("gnl_core.jobs.start.subprocess.DEVNULL", subprocess.PIPE)
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(
        "gnl_core.jobs.start.subprocess.Popen",
        lambda command, **given: started.append(real([command[0]], **given)) or started[0],
    )
    folder = start(tiny_config(detector="deep_svdd", limit=12), tmp_path / "runs" / "run")
    assert read_job(folder).state == "waiting"
    started[0].send_signal(signal.SIGKILL)
    assert wait_until(lambda: read_job(folder).state == "failed", seconds=10)
    assert "ended before training began" in str(read_job(folder).reason)
    assert waiting_jobs(folder.path.parent) == []
    tally.report("kill -9, starting job", injected=1)


def test_a_server_that_is_killed_while_it_adds_a_training_holds_no_queue(tmp_path: Path, tally: Tally):
    def add() -> None:
        with joining(tmp_path, tmp_path, queues=[tmp_path], most_waiting=8, most_active=8):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(add) == -signal.SIGKILL
    with joining(tmp_path, tmp_path, queues=[tmp_path], most_waiting=1, most_active=1):
        pass
    tally.report("kill -9, server that adds a training", injected=1)


@pytest.mark.timeout(300)
def test_a_training_goes_on_when_the_server_that_started_it_is_killed(
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    tally: Tally,
):
    if not tally.choose(short=0, full=1):
        pytest.skip("only in the full form: it imports PyTorch anew")
    path = tmp_path / "runs" / "run"

    def serve() -> None:
        start(tiny_config(detector="deep_svdd", limit=12), path)
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(serve) == -signal.SIGKILL
    assert read_job(RunFolder(path)).state == "waiting"
    assert wait_until(lambda: read_job(RunFolder(path)).state == "finished", seconds=PATIENCE_SECONDS)
    assert not is_locked(RunFolder(path).lock)
    tally.report("kill -9, server", injected=1)


@pytest.mark.timeout(400)
def test_a_training_of_two_processes_ends_when_the_first_is_killed_and_can_be_resumed(tmp_path: Path, tally: Tally):
    if not tally.choose(short=0, full=1):
        pytest.skip("only in the full form: it starts two processes, twice")
    pytest.importorskip("lightning_fabric")
    run = RunFolder(tmp_path / "run")
    command = [sys.executable, "-m", "gnl_core", "train", "--run", str(run.path)]
    settings = [*TRAIN[:1], "--epochs=400", *TRAIN[2:], "--devices=2"]
    with subprocess.Popen([*command, *settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        assert wait_until(run.state.exists, seconds=PATIENCE_SECONDS)
        others = children_of(first.pid)
        assert others
        first.kill()
    assert wait_until(lambda: not any(map(is_running, others)), seconds=PATIENCE_SECONDS), others
    assert read_job(run).state == "stale"
    run.config.write_text(run.config.read_text())
    assert main(["score", str(run.path), "--domain", "digits"]) == 0  # its last checkpoint is whole
    tally.report("kill -9, first of two processes", injected=1)


def children_of(process: int) -> list[int]:
    found = subprocess.run(["ps", "--ppid", str(process), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
