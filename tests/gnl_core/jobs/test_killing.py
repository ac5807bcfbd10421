"""A training that is killed repeatedly and resumed each time: gnl train --resume after kill -9."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gnl_core.runs.deletion import remove_temporary_files
from gnl_core.runs.folder import RunFolder

KILLS = 22
TRAIN = [
    "--detector=deep_svdd",
    "--epochs=6",
    "--limit=16",
    "--batch-size=8",
    "--image-size=32",
    "--save-minutes=0.0001",
]

# It imports everything once and forks, so that each of many trainings begins at once. It does not compute with
# PyTorch itself, whose threads would not live on in its children.
KILL_AND_RESUME = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
from gnl_core.cli import main
from gnl_core.datasets import list_train_items

list_train_items("digits", normal_class="4", root=None)  # imports scikit-learn
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])  # imports what optimizers need

def train(run, *flags, seconds=None):
    child = os.fork()
    if not child:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)
        os._exit(main(["train", "--run", str(run), *flags]))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

folder, kills, *settings = sys.argv[1:]
folder, random_ = Path(folder), random.Random(0)
begun = time.monotonic()
assert train(folder / "whole", *settings) == 0
longest = 0.8 * (time.monotonic() - begun)
expected = (folder / "whole" / "weights.safetensors").read_bytes()
killed, same, ends = 0, [], []
while killed < int(kills):
    run = folder / str(len(same))
    while not (run / "weights.safetensors").exists() or (run / "state.safetensors").exists():
        flags = ["--resume"] if (run / "config.json").exists() else settings
        code = train(run, *flags, seconds=random_.uniform(0, longest) if killed < int(kills) else None)
        killed += code == -signal.SIGKILL
        ends.append(code)
    same.append((run / "weights.safetensors").read_bytes() == expected)
print(json.dumps({"killed": killed, "same": same, "ends": ends}))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the test forks and kills processes by a signal")
def test_weights_after_kills_at_random_points_are_those_of_the_uninterrupted_run_to_the_bit(tmp_path: Path):
    command = [sys.executable, "-c", KILL_AND_RESUME, str(tmp_path), str(KILLS), *TRAIN]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["killed"] >= 20
    assert all(found["same"])
    assert set(found["ends"]) <= {0, -9}  # no attempt was refused or failed
    for run in tmp_path.iterdir():
        lines = (run / "progress.jsonl").read_text().splitlines(keepends=True)
        assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 7))
        assert all(line.endswith("\n") for line in lines)
        assert len(list(run.glob(".status.json.*"))) <= 1  # of a kill at the very end, after which nothing resumes it
        remove_temporary_files(RunFolder(run))
        assert {file.name for file in run.iterdir()} <= {
            ".lock",
            "config.json",
            "progress.jsonl",
            "status.json",
            "weights.safetensors",
        }
