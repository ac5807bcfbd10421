"""kill -9 at each write of a training and a scoring, of a job that waits or starts, of a server, and of one of two."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.jobs.listing import VANISHED, list_jobs, read_job
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.queue import joining, waiting_jobs
from gnl_core.jobs.start import start
from gnl_core.jobs.status import Status, find_status, write_status
from gnl_core.jobs.stop import stop, wait_until
from gnl_core.jobs.worker import turn_file
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config
from gnl_core.runs.scores import read_saved_scores
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.disk import Disk, in_child, kill
from tests.torture.faults.test_full_disk import spread, without_temporary
from tests.torture.faults.whole import check_file, read_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tests fork and kill processes by a signal")
PATIENCE_SECONDS = 90
PROJECT = Path(__file__).parents[3]
STARTS_TRAINING = """
from app.server.trainings import start_training
from gnl_core.config import RunConfig

start_training(RunConfig(detector="deep_svdd", limit=64, epochs=5000, image_size=32, device="cpu"), "run")
"""


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
    chosen = spread(len(steps), tally.choose(short=4, full=48))
    for at in chosen:
        fault = f"killed at step {at}: {steps[at]}"
        shutil.rmtree(run.path.parent, ignore_errors=True)
        assert killed_at(run.path.parent, at, ["train", "--run", str(run.path), *flags]) == -signal.SIGKILL, fault
        for name, content in without_temporary(read_files(run.path.parent)).items():
            check_file(name, content)
        has_ended = run.config.exists() and is_trained(run, read_config(run))
        for job in list_jobs(run.path.parent):
            assert (job.state, job.reason) == (("finished", None) if has_ended else ("stale", VANISHED)), fault
        if not has_ended:
            again = ["--resume"] if run.config.exists() else flags
            assert main(["train", "--run", str(run.path), *again]) == 0, fault
            files = read_files(run.path)
            assert files == without_temporary(files), fault
        assert run.weights.read_bytes() == whole.weights.read_bytes(), fault
        assert read_job(run).state == "finished", fault
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
):
    if not tally.choose(short=0, full=1):
        pytest.skip("only in the full form: it starts a server and a job")
    run, script = RunFolder(tmp_path / "runs" / "run"), tmp_path / "script.py"
    script.write_text(STARTS_TRAINING)
    monkeypatch.setenv("GNL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    with subprocess.Popen(
        [*command, "--server.address=127.0.0.1", f"--server.port={port}"], stdout=subprocess.DEVNULL
    ) as server:
        try:
            assert wait_until(lambda: is_listening(port), seconds=PATIENCE_SECONDS)
            asyncio.run(open_page(port))
            assert read_job(run).state in ("waiting", "running")
        finally:
            server.kill()
    assert wait_until(lambda: is_locked(run.lock), seconds=PATIENCE_SECONDS)  # the job goes on
    try:
        page = AppTest.from_string("from app.screens.train.page import page\n\npage()\n", default_timeout=120).run()
        assert not page.exception
        assert keys_of(page) == ["stop_run"]  # it is active
    finally:
        stop(run.path)
    assert keys_of(page.run()) == ["resume_run", "delete_run"]
    assert any("stopped" in element.value for element in page.markdown)
    tally.report("kill -9, server", injected=1)


def keys_of(page: AppTest) -> list[str]:
    """Return the keys of the buttons of the run."""
    return [button.key for button in page.button if str(button.key).endswith("_run")]


async def open_page(port: int) -> None:
    """Open a server's page as a browser does, and wait until its script has ended."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as connection:
        message = BackMsg()
        message.rerun_script.query_string = ""
        await connection.send(message.SerializeToString())
        async for received in connection:
            answer = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            if answer.WhichOneof("type") == "script_finished":
                return


def is_listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.timeout(400)
def test_a_training_of_two_processes_ends_when_the_first_is_killed_and_leaves_a_whole_checkpoint(
    tmp_path: Path, tally: Tally
):
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
