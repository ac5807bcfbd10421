from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gnl_core.config import RunConfig
from gnl_core.jobs import listing
from gnl_core.jobs import start as start_module
from gnl_core.jobs.listing import Job, list_jobs, read_job, read_log
from gnl_core.jobs.locks import holding, is_locked
from gnl_core.jobs.start import resume, start
from gnl_core.jobs.status import Status, read_status, write_status
from gnl_core.jobs.stop import delete, stop, wait_until
from gnl_core.records import EpochRecord
from gnl_core.runs.deletion import files_besides_config
from gnl_core.runs.folder import RunFolder, create_run, write_records
from gnl_core.runs.training import advance_run, train_run

Make = Callable[..., RunConfig]
CHECKPOINT = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-rd4ad" / "weights.safetensors"
HOLD = "import sys, time; from pathlib import Path; from gnl_core.jobs.locks import holding\n"
HOLD += "with holding(Path(sys.argv[1])): print(flush=True); time.sleep(60)"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "run", RunConfig())


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the processes that would be started."""
    commands: list[list[str]] = []

    class Ended:
        def __init__(self, command: list[str], **_: object) -> None:
            commands.append(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(start_module.subprocess, "Popen", Ended)
    return commands


def finish(folder: RunFolder) -> None:
    write_records(folder, [EpochRecord(epoch=10, losses={"a": 0.5}, elapsed_seconds=1.0)])
    shutil.copy(CHECKPOINT, folder.weights)


def say(folder: RunFolder, state: str, **more: object) -> None:
    write_status(folder, Status(state=state, **({"pid": 1} | more)))


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_live_process_with_a_heartbeat_is_running(folder: RunFolder, state: str):
    say(folder, state)
    with holding(folder.lock):
        assert (read_job(folder).state, read_job(folder).reason) == (state, None)


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_live_process_without_a_heartbeat_is_stale(folder: RunFolder, state: str):
    say(folder, state, uptime=time.monotonic() - 90)
    with holding(folder.lock):
        job = read_job(folder)
    assert job.state == "stale"
    assert str(job.reason).startswith("its process has not reported for 9")


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_vanished_process_is_stale_even_if_its_number_is_reused(folder: RunFolder, state: str):
    say(folder, state, pid=os.getpid())
    assert (read_job(folder).state, read_job(folder).reason) == ("stale", listing.VANISHED)


def test_a_process_killed_because_it_did_not_stop_counts_as_stopped(folder: RunFolder):
    say(folder, "running")
    folder.stop.touch()
    assert read_job(folder).state == "stopped"


def test_a_process_that_ends_while_its_job_is_read_has_the_state_that_it_reported(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    say(folder, "running")

    def end(lock: Path) -> bool:
        say(folder, "stopped")
        return False

    monkeypatch.setattr(listing, "is_locked", end)
    assert read_job(folder).state == "stopped"


def test_a_process_that_starts_while_its_job_is_read_is_running(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    say(folder, "waiting", pid=None)

    def lock_and_report(folder: RunFolder) -> Status | None:
        starting.enter_context(holding(folder.lock))
        say(folder, "running")
        return read_status(folder)

    with ExitStack() as starting:
        monkeypatch.setattr(listing, "read_status", lock_and_report)
        assert read_job(folder).state == "running"


def test_a_job_that_was_just_started_waits(folder: RunFolder):
    say(folder, "waiting", pid=None)
    assert read_job(folder).state == "waiting"
    say(folder, "waiting", pid=None, uptime=time.monotonic() - 1000)
    assert read_job(folder).state == "stale"


@pytest.mark.parametrize("hours", [-24, 24])
def test_a_clock_that_is_set_makes_no_job_stale_and_no_dead_one_wait(
    folder: RunFolder, hours: int, monkeypatch: pytest.MonkeyPatch
):
    say(folder, "running")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    with holding(folder.lock):
        assert (read_job(folder).state, read_job(folder).reason) == ("running", None)
    say(folder, "waiting", pid=None)
    assert read_job(folder).state == "waiting"
    say(folder, "waiting", pid=None, uptime=time.monotonic() - 1000)
    assert read_job(folder).state == "stale"


@pytest.mark.parametrize("hours", [-24, 24])
def test_a_report_without_uptime_from_another_day_is_of_no_starting_process(folder: RunFolder, hours: int):
    say(folder, "waiting", pid=None, uptime=None, time=time.time() + 3600 * hours)
    assert read_job(folder).state == "stale"


def test_an_import_that_was_killed_is_not_finished(folder: RunFolder):
    folder.origin.write_text("{}")
    assert read_job(folder).state == "stale"
    shutil.copy(CHECKPOINT, folder.weights)
    assert read_job(folder).state == "finished"


def test_the_end_that_a_job_recorded_is_its_state(folder: RunFolder):
    say(folder, "failed", reason="unknown class '11'")
    assert (read_job(folder).state, read_job(folder).reason) == ("failed", "unknown class '11'")
    say(folder, "stopped")
    assert (read_job(folder).state, read_job(folder).reason) == ("stopped", None)


def test_a_complete_run_is_finished_with_or_without_a_job(folder: RunFolder):
    finish(folder)
    job = read_job(folder)
    assert (job.state, job.epochs_done, job.losses) == ("finished", 10, {"a": 0.5})
    say(folder, "running")  # killed after its last word
    assert read_job(folder).state == "finished"


def test_the_progress_of_a_running_job_is_what_it_recorded(folder: RunFolder):
    say(folder, "running", losses={"a": 2.0}, images_per_second=31.5, seconds_left=7.0)
    with holding(folder.lock):
        job = read_job(folder)
    assert (job.losses, job.images_per_second, job.seconds_left) == ({"a": 2.0}, 31.5, 7.0)
    assert read_job(folder).images_per_second is None  # it does not run any more


def test_jobs_are_listed_by_state_and_the_queue_in_its_order(tmp_path: Path):
    held = []
    for name, state, queued in (("a", "waiting", 30), ("b", "waiting", 20), ("c", "running", 40), ("d", "failed", 1)):
        run = create_run(tmp_path / name, RunConfig())
        say(run, state, queued=queued)
        if state != "failed":
            held.append(holding(run.lock))
            held[-1].__enter__()
    finish(create_run(tmp_path / "e", RunConfig()))
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "config.json").write_text("another program's")
    listed = [(job.folder.path.name, job.state, job.place) for job in list_jobs(tmp_path)]
    for lock in held:
        lock.__exit__(None, None, None)
    assert listed == [
        ("c", "running", None),
        ("b", "waiting", 0),
        ("a", "waiting", 1),
        ("d", "failed", None),
        ("e", "finished", None),
    ]
    assert list_jobs(tmp_path / "nowhere") == []


def test_a_job_is_started_by_an_ordinary_command(launched: list[list[str]], tmp_path: Path):
    run = start(RunConfig(seed=3), tmp_path / "run")
    assert launched == [
        [sys.executable, "-m", "gnl_core", "train", "--run", str(tmp_path / "run"), "--resume", "--job"]
    ]
    job = read_job(run)
    assert (job.state, job.config.seed) == ("waiting", 3)
    start(RunConfig(), tmp_path / "other", at_once=True)
    assert launched[1][-1] == "--at-once"


def test_a_job_whose_process_cannot_be_started_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError):
        start(RunConfig(), tmp_path / "run")
    job = read_job(RunFolder(tmp_path / "run"))
    assert (job.state, job.reason) == ("failed", "its process could not be started: No such file or directory")


def test_a_job_is_not_started_over_a_run_or_for_several_devices(launched: list[list[str]], folder: RunFolder):
    with pytest.raises(ValueError, match="already contains a run"):
        start(RunConfig(), folder.path)
    with pytest.raises(ValueError, match="training on several devices or nodes runs only in the foreground"):
        start(RunConfig(devices=2), folder.path.parent / "other")
    for settings in ({"detector": "oracle"}, {"dataset": "oracle"}, {"normal_class": "11"}):
        with pytest.raises(ValueError, match=r"unknown|no class"):
            start(RunConfig(**settings), folder.path.parent / "other")
    assert not (folder.path.parent / "other").exists()
    assert launched == []


def test_only_an_unfinished_run_is_resumed(launched: list[list[str]], folder: RunFolder):
    folder.stop.touch()
    resume(folder.path, {"workers": 3})
    assert not folder.stop.exists()
    assert len(launched) == 1
    assert read_job(folder).config.workers == 3
    with pytest.raises(ValueError, match="is already being trained"):
        resume(folder.path)
    say(folder, "stopped")
    finish(folder)
    with pytest.raises(ValueError, match="is finished"):
        resume(folder.path)


def test_a_run_is_not_resumed_with_a_damaged_weight_file(launched: list[list[str]], folder: RunFolder, tmp_path: Path):
    before = folder.config.read_bytes()
    (tmp_path / "teacher.pth").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="is not a PyTorch state dict"):
        resume(folder.path, {"teacher_weights": tmp_path / "teacher.pth"})
    assert folder.config.read_bytes() == before
    assert launched == []


def test_only_a_run_in_training_can_be_stopped(folder: RunFolder):
    with pytest.raises(ValueError, match="is not being trained, so there is nothing to stop"):
        stop(folder.path)
    assert not folder.stop.exists()


def test_a_process_that_does_not_stop_is_killed(folder: RunFolder):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder.lock)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        say(folder, "running", pid=process.pid)
        stop(folder.path, patience_seconds=0.2)
        assert process.wait() != 0
    assert read_job(folder).state == "stopped"


def test_a_training_that_begins_while_a_run_is_deleted_keeps_its_files(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gnl_core.jobs.stop.is_alive", lambda _: False)  # looked before the training began
    monkeypatch.setattr("gnl_core.jobs.locks.PATIENCE_SECONDS", 0.05)
    before = sorted(folder.path.iterdir())
    with holding(folder.lock), pytest.raises(ValueError, match="is being trained; stop it first"):
        delete(folder.path)
    assert set(before) <= set(folder.path.iterdir())
    delete(folder.path)
    assert not folder.path.exists()


def test_a_process_of_another_machine_is_not_killed(folder: RunFolder):
    say(folder, "running", pid=os.getpid(), host="elsewhere")
    with (
        holding(folder.lock),
        pytest.raises(ValueError, match=f"trained on elsewhere .* stop process {os.getpid()} th"),
    ):
        stop(folder.path, patience_seconds=0.1)
    say(folder, "waiting", pid=None)
    with holding(folder.lock), pytest.raises(ValueError, match="was just started and has not responded"):
        stop(folder.path, patience_seconds=0.1)


def test_deleting_removes_a_runs_files_and_no_others(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd", limit=12, epochs=2, keep_epochs=True)
    folder = create_run(tmp_path / "run", config)
    list(advance_run(config, folder, stop=folder.weights.exists))
    for file in (*files_besides_config(folder), folder.path / "notes.txt"):
        file.touch()
    with holding(folder.lock), pytest.raises(ValueError, match="is being trained; stop it first: gnl runs --stop"):
        delete(folder.path)
    assert folder.weights.exists()
    delete(folder.path)
    assert [file.name for file in folder.path.iterdir()] == ["notes.txt"]
    with pytest.raises(ValueError, match="contains no run"):
        delete(folder.path)
    list(train_run(config, create_run(tmp_path / "other", config)))
    delete(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_end_of_a_log_is_read(folder: RunFolder):
    with pytest.raises(ValueError, match="has no log; only runs started with --detach have one"):
        read_log(folder.path)
    folder.log.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert read_log(folder.path, lines=2) == ["line 49998", "line 49999"]


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[None]:
    """End all processes of the test."""
    yield
    for job in list_jobs(tmp_path):
        status = read_status(job.folder)
        if is_locked(job.folder.lock) and status is not None and status.pid:
            os.kill(status.pid, signal.SIGKILL)


def wait_for(folder: RunFolder, *states: str) -> Job:
    assert wait_until(lambda: read_job(folder).state in states, seconds=150), (read_job(folder), read_log(folder.path))
    return read_job(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)  # five processes, each of which imports PyTorch
@pytest.mark.skipif(os.name != "posix", reason="the test kills a process by a signal")
@pytest.mark.usefixtures("ended")
def test_jobs_wait_for_each_other_fail_stop_vanish_and_resume(
    tiny_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    long = tiny_config(detector="deep_svdd", limit=16, epochs=100_000)
    first = start(long, tmp_path / "first")
    assert wait_for(first, "running").state == "running"
    second = start(long, tmp_path / "second")
    failing = start(tiny_config(teacher="oracle"), tmp_path / "failing")
    assert wait_until(lambda: is_locked(second.lock) and is_locked(failing.lock), seconds=150)
    assert [(job.folder, job.state, job.place) for job in list_jobs(tmp_path)] == [
        (first, "running", None),
        (second, "waiting", 0),
        (failing, "waiting", 1),
    ]
    assert wait_until(lambda: read_job(first).images_per_second is not None, seconds=60)
    stop(first.path)
    assert read_job(first).state == "stopped"
    assert read_job(first).epochs_done > 0
    wait_for(second, "running")
    assert read_job(failing).state == "waiting"
    status = read_status(second)
    assert status is not None
    os.kill(int(str(status.pid)), signal.SIGKILL)
    assert wait_for(second, "stale").reason == listing.VANISHED
    assert str(wait_for(failing, "failed").reason).startswith("unknown teacher 'oracle'")
    assert wait_until(lambda: bool(read_log(failing.path)), seconds=60)  # its last words follow what it recorded
    assert read_log(failing.path)[-1].startswith("gnl: unknown teacher 'oracle'")
    done = read_job(second).epochs_done
    resume(second.path)
    wait_for(second, "running")
    assert wait_until(lambda: read_job(second).epochs_done > done, seconds=60)
    stop(second.path)
    assert any(line.startswith(f"epoch {done + 1} of 100000: distance ") for line in read_log(second.path, lines=9999))
    for folder in (first, second, failing):
        delete(folder.path)
    assert [file.name for file in tmp_path.iterdir()] == [".turn"]


def test_a_process_learns_whose_turn_it_is_from_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: list[dict[str, str]] = []

    class Ended:
        def __init__(self, _: list[str], *, env: dict[str, str], **__: object) -> None:
            given.append(env)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(start_module.subprocess, "Popen", Ended)
    start(RunConfig(), tmp_path / "a", turn=tmp_path / ".turn")
    start(RunConfig(), tmp_path / "b")
    assert [environment.get("GNL_TURN") for environment in given] == [str(tmp_path / ".turn"), None]
