"""Cells on a local Ray with two workers; CI has Ray through the dev extra."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.comparison.grid import Grid, plan_cells
from gnl_core.comparison.sweep import UNFINISHED, run_cells_on_ray, threads_for
from gnl_core.config import RunConfig
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.folder import is_trained, read_records
from gnl_core.runs.scores import read_saved_scores

pytest.importorskip("ray", reason="Ray is not installed; the extra [cluster] has it")

EPOCHS, DIGITS_TESTED = 20, 719  # Deep SVDD at 32 px learns an epoch in 50 ms: enough to be killed among them


def kill_first_worker(output: Path, killed: list[tuple[str, int]]) -> None:
    """Wait until a worker is in the middle of a training, and kill it."""
    for _ in range(6000):
        for progress in output.glob(f"{UNFINISHED}/*/*/progress.jsonl"):
            worker = int(progress.parent.name.rpartition("-")[2])
            os.kill(worker, signal.SIGKILL)
            killed.append((progress.parent.parent.name, worker))
            return
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the test kills a process by a signal")
@pytest.mark.timeout(600)
def test_a_killed_workers_cell_is_retried_and_nothing_is_lost_or_duplicated(
    tmp_path: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
):
    import ray

    real = ray.init
    monkeypatch.setattr(ray, "init", lambda **given: real(num_cpus=2, include_dashboard=False, **given))
    settings = tiny_config(epochs=EPOCHS).model_dump(exclude={"style_weight"})
    grid = Grid(("4",), ("deep_svdd",), (0, 1, 2, 3), (0.0,), ("digits",))
    cells = plan_cells(settings, grid, output=tmp_path)
    killed: list[tuple[str, int]] = []
    killer = threading.Thread(target=kill_first_worker, args=(tmp_path, killed), daemon=True)
    killer.start()

    outcomes = list(run_cells_on_ray(cells, address="local"))

    killer.join()
    ((name, worker),) = killed
    assert name in {cell.folder.path.name for cell in cells}
    assert not Path(f"/proc/{worker}").exists()
    assert sorted(outcome.cell.config.seed for outcome in outcomes) == [0, 1, 2, 3]
    assert [outcome.failure for outcome in outcomes] == [None] * 4
    assert len(list_runs(tmp_path)) == 4
    assert not list(tmp_path.glob(f"{UNFINISHED}/*"))
    for cell in cells:
        assert is_trained(cell.folder, cell.config)
        assert [record.epoch for record in read_records(cell.folder)] == list(range(1, EPOCHS + 1))
        rows = read_saved_scores(cell.folder)
        assert rows is not None
        assert len(rows["path"]) == len(set(rows["path"])) == DIGITS_TESTED


def test_each_cell_has_its_share_of_the_processors(tmp_path: Path):
    cells = plan_cells({}, Grid(("4",), ("rd4ad",), (0, 1, 2, 3)), output=tmp_path)
    assert threads_for(cells, [2]) == 1  # fewer than cells
    assert threads_for(cells, [16, 16]) == 8
    assert threads_for(cells[:1], [4, 16]) == 4  # no more than the smallest machine has
    assert threads_for(cells, [0, 8]) == 2  # a machine that lends no processor does not count


def test_a_missing_cluster_is_reported_in_one_sentence(tmp_path: Path):
    cells = plan_cells({}, Grid(("4",), ("rd4ad",), (0,)), output=tmp_path)
    with pytest.raises(ValueError, match="cannot reach a Ray cluster at 'nowhere'"):
        list(run_cells_on_ray(cells, address="nowhere"))
