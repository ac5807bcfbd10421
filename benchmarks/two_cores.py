"""Measure how much sooner `gnl compare` ends on several cores than with one training after the other.

    python -m benchmarks.two_cores [--epochs 10] [--repeats 1] [--normal-class 0 1 2 …]

Trains and scores RD4AD and GNL on the ten digits: in one process with one thread; in one process in which PyTorch has
a thread for each core; and with `--ray local`, one thread per training. The three take turns, and each cell is the
median of the wall times of the whole command, with its shortest and longest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DIGITS = tuple(str(digit) for digit in range(10))
METHODS = ("rd4ad", "gnl")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
WAYS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "one after the other, one thread": (ONE_THREAD, ()),
    "one after the other, a thread per core": ({}, ()),
    "`--ray local`": (ONE_THREAD, ("--ray", "local")),
}


def main() -> None:
    """Measure the three ways in turns, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--normal-class", nargs="+", default=DIGITS)
    parser.add_argument("--epochs", default="10")
    parser.add_argument("--repeats", type=int, default=1)
    parsed = parser.parse_args()
    settings = ["--normal-class", *parsed.normal_class, "--epochs", parsed.epochs]
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(parsed.repeats):
        for way, (environment, flags) in WAYS.items():
            seconds[way].append(time_compare([*settings, *flags], environment))
    first = statistics.median(next(iter(seconds.values())))
    print("| way | s, median | shortest to longest | ratio |\n|---|---:|---:|---:|")
    for way, times in seconds.items():
        median = statistics.median(times)
        print(f"| {way} | {median:.0f} | {min(times):.0f} to {max(times):.0f} | {first / median:.2f}× |")


def time_compare(flags: list[str], environment: dict[str, str]) -> float:
    """Return the wall time of `gnl compare` in a new folder, in s."""
    with tempfile.TemporaryDirectory() as place:
        task = ["--dataset", "digits", "--detector", *METHODS, "--output", str(Path(place) / "comparison")]
        command = [sys.executable, "-m", "gnl_core", "compare", *task, *flags]
        started = time.perf_counter()
        subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)  # no shell  # nosec B603
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
