"""Two at once: servers on one folder of runs, trainings and a deletion of one run, comparisons into one output."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from safetensors import safe_open

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.jobs import locks
from gnl_core.jobs.listing import list_jobs, read_job
from gnl_core.jobs.locks import holding
from gnl_core.jobs.queue import claim_folder, joining
from gnl_core.jobs.status import Status, write_status
from gnl_core.jobs.stop import delete
from gnl_core.jobs.worker import train_as_job
from gnl_core.runs.folder import RunFolder, create_run, is_trained, read_config
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.whole import check_file, read_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tests fork")
WAITING = 8


def all_at_once(works: Sequence[Callable[[], object]]) -> list[int]:
    """Run each work in a forked process, all begun at the same moment; return their exit codes."""
    gate, opener = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if not child:
            code = 70
            try:
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1)
                os.dup2(silent, 2)
                os.close(opener)
                os.read(gate, 1)  # until all others have closed their end
                code = int(work() or 0)  # type: ignore[call-overload]
            finally:
                os._exit(code)
        children.append(child)
    os.close(opener)
    os.close(gate)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


@pytest.mark.usefixtures("small_run")  # its training imports here what the forked processes need
def test_of_trainings_begun_in_one_folder_one_trains_it(tmp_path: Path, tally: Tally):
    tries = tally.choose(short=1, full=8)
    for number in range(tries):
        run = RunFolder(tmp_path / str(number))
        flags = ["train", "--run", str(run.path), *TRAIN]
        codes = all_at_once([lambda seed=seed, flags=flags: main([*flags, f"--seed={seed}"]) for seed in range(3)])
        assert sorted(codes) == [0, 2, 2]
        with safe_open(run.weights, framework="pt") as file:
            trained = json.loads(file.metadata()["gnl-checkpoint"])["config"]["seed"]
        assert trained == codes.index(0) == read_config(run).seed
        assert read_job(run).state == "finished"
    tally.report("trainings in one folder", injected=tries)


def test_of_two_resumes_at_once_one_trains_and_nothing_is_trained_twice(
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    small_run: RunFolder,
    tally: Tally,
):
    tries = tally.choose(short=1, full=8)
    for number in range(tries):
        config = tiny_config(detector="deep_svdd", epochs=2, limit=12, save_minutes=1e-6)
        run = create_run(tmp_path / str(number), config)
        steps = train_as_job(config, run)
        next(steps)
        next(steps)
        steps.close()
        codes = all_at_once([lambda run=run: main(["train", "--run", str(run.path), "--resume"])] * 2)
        assert sorted(codes) == [0, 2]
        assert is_trained(run, config)
        assert tensors_of(run) == tensors_of(small_run)
    tally.report("resumes at once", injected=tries)


def tensors_of(run: RunFolder) -> dict[str, bytes]:
    with safe_open(run.weights, framework="np") as file:
        return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118 (no dict)


def test_of_comparisons_into_one_folder_one_writes_and_the_others_say_so(
    tmp_path: Path,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.05)
    flags = ["compare", "--normal-class=4", *TRAIN, "--domain", "digits", "--output"]
    tries = tally.choose(short=1, full=4)
    for number in range(tries):
        output = tmp_path / str(number)
        codes = all_at_once([lambda output=output: main([*flags, str(output)])] * 2)
        assert set(codes) <= {0, 2}
        assert 0 in codes
        for name, content in read_files(output).items():
            check_file(name, content)
        assert [job.state for job in list_jobs(output)] == ["finished"]
        assert not (output / ".unfinished").exists()
    before = read_files(output)
    with holding(output / ".lock"):
        assert main([*flags, str(output)]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message == (
        f"gnl: another gnl compare is writing to {output}; wait until it ends, or choose another --output"
    )
    assert read_files(output) == before
    tally.report("comparisons at once", injected=tries + 1)


def test_a_run_that_is_deleted_and_resumed_at_once_is_gone_or_trained(
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    tally: Tally,
):
    def remove(path: Path) -> int:
        try:
            delete(path)
        except ValueError:
            return 2
        return 0

    tries = tally.choose(short=2, full=16)
    for number in range(tries):
        run = create_run(tmp_path / str(number), tiny_config(detector="deep_svdd", epochs=1, limit=12))
        resume = ["train", "--run", str(run.path), "--resume"]
        codes = all_at_once([lambda resume=resume: main(resume), lambda run=run: remove(run.path)])
        assert sorted(codes) in ([0, 2], [0, 0])  # both, if the training ended first
        assert run.path.exists() == run.config.exists() == (codes[1] != 0)
        if run.path.exists():
            assert read_job(run).state == "finished"
    tally.report("delete and train at once", injected=tries)


def test_two_servers_on_one_folder_of_runs_keep_its_limits_together(tmp_path: Path, tally: Tally):
    def add(root: Path) -> bool:
        try:
            with joining(root, root, queues=[root], most_waiting=WAITING, most_active=100):
                write_status(create_run(claim_folder(root, "run"), RunConfig()), Status(state="waiting"))
        except ValueError as error:
            return add(root) if "try again" in str(error) else False
        return True

    def serve(root: Path) -> int:
        return sum(add(root) for _ in range(WAITING))

    tries = tally.choose(short=1, full=6)
    for number in range(tries):
        root = tmp_path / str(number)
        added = all_at_once([lambda root=root: serve(root)] * 2)
        assert sum(added) == WAITING
        jobs = list_jobs(root)
        assert [job.state for job in jobs] == ["waiting"] * WAITING
        assert [job.place for job in jobs] == list(range(WAITING))
    tally.report("two servers", injected=tries)
