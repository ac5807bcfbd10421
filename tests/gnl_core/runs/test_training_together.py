"""Processes that train together, as separate commands: gnl train --devices, --num-nodes and --precision."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.distributed import Processes
from gnl_core.metrics.image import auroc
from gnl_core.runs.folder import RunFolder, create_run, read_config, read_records
from gnl_core.runs.scoring import load_run, resolve_scoring, score_domain
from gnl_core.runs.training import train_run

SETTINGS = ["--detector=gnl", "--epochs=3", "--image-size=32", "--device=cpu", "--seed=0"]
LARGEST_MEAN_DIFFERENCE = 0.3  # of the scores' standard deviation; 0.12 to 0.16 were measured
LARGEST_AUROC_DIFFERENCE = 0.03  # 0.007 was measured
DOMAINS = ("digits", "digits_m")
CONNECTION = """
import sys, torch
from gnl_core.cli import main
code = main(sys.argv[1:])
print("still connected" if torch.distributed.is_initialized() else "connection ended")
sys.exit(code)
"""


def start(program: list[str], run: Path, *flags: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, *program, "train", "--run", str(run), *SETTINGS, *flags]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    return said


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """The same training by one process, by two on one machine, and by two nodes of one each."""
    folder = tmp_path_factory.mktemp("together")
    assert main(["train", "--run", str(folder / "alone"), *SETTINGS]) == 0
    assert f"wrote {folder / 'two'}" in finish(start(["-m", "gnl_core"], folder / "two", "--devices=2"))
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    node = partial(start, ["-c", CONNECTION], folder / "nodes", "--num-nodes=2", **meeting)
    said = [finish(process) for process in [node(NODE_RANK="0"), node(NODE_RANK="1")]]
    assert all("connection ended" in text for text in said)  # open, it now and then aborts Python's exit
    assert ["wrote" in text for text in said] == [True, False]
    return {name: RunFolder(folder / name) for name in ("alone", "two", "nodes")}


@pytest.mark.slow
@pytest.mark.timeout(900)  # four processes, each of which imports PyTorch
def test_two_processes_train_one_checkpoint_that_scores_like_a_single_process(runs: dict[str, RunFolder]):
    assert sorted(file.name for file in runs["two"].path.iterdir()) == [
        ".lock",
        "config.json",
        "progress.jsonl",
        "status.json",
        "weights.safetensors",
    ]
    assert read_config(runs["two"]).devices == 2
    alone, two = (load_run(runs[name], device="cpu") for name in ("alone", "two"))
    for domain in DOMAINS:
        expected = score_domain(alone, domain, resolve_scoring(alone))
        found = score_domain(two, domain, resolve_scoring(two))
        difference = np.abs(found.score - expected.score).mean() / expected.score.std()
        assert 0 < difference < LARGEST_MEAN_DIFFERENCE
        assert auroc(found.label, found.score) == pytest.approx(
            auroc(expected.label, expected.score), abs=LARGEST_AUROC_DIFFERENCE
        )


@pytest.mark.slow
@pytest.mark.timeout(900)  # four processes, each of which imports PyTorch
def test_the_same_seed_gives_the_same_weights_on_one_machine_and_on_two(runs: dict[str, RunFolder]):
    two, nodes = (load_run(runs[name], device="cpu").detector.state_dict() for name in ("two", "nodes"))
    assert all((nodes[name] == value).all() for name, value in two.items())
    losses = [[record.losses for record in read_records(runs[name])] for name in ("two", "nodes")]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_mixed_precision_trains_and_scores_finitely(tiny_config: Callable[..., RunConfig], tmp_path: Path):
    config = tiny_config(detector="gnl", precision="bf16-mixed", epochs=2)
    folder = create_run(tmp_path / "run", config)
    records = list(train_run(config, folder))
    assert sum(records[1].losses.values()) < sum(records[0].losses.values())
    run = load_run(folder, device="cpu")
    scores = score_domain(run, "held_out", resolve_scoring(run)).score
    assert np.isfinite(scores).all()
    assert len(set(scores.astype(np.float32))) > len(scores) / 2  # 16 bits would tell few apart


def test_a_lost_connection_ends_training_with_a_sentence(tiny_config: Callable[..., RunConfig], tmp_path: Path):
    def lose(_: Tensor) -> Tensor:
        raise RuntimeError("[pair.cc:561] Connection closed by peer [127.0.0.1]:11492. This is typically caused by …")

    config = tiny_config(devices=2)
    steps = train_run(config, create_run(tmp_path / "run", config), Processes(rank=1, size=2, mean=lose))
    with pytest.raises(ValueError, match="the connection to another process of this training was lost; that process"):
        list(steps)


def test_several_devices_are_refused_without_planned_processes(tiny_config: Callable[..., RunConfig], tmp_path: Path):
    config = tiny_config(devices=2)
    with pytest.raises(ValueError, match="training on several devices or nodes is supported only by gnl train"):
        list(train_run(config, create_run(tmp_path / "run", config)))
    assert not (tmp_path / "run").exists()


def test_more_devices_than_available_leave_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["train", "--run", str(tmp_path / "run"), *SETTINGS, "--devices=1000"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gnl: --devices 1000 is more than this machine has ")
    assert not (tmp_path / "run").exists()
