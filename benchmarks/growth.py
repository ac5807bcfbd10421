"""Measure how costs grow with image size, batch size, and the numbers of training images and references.

    OMP_NUM_THREADS=1 python -m benchmarks.growth [--plot FILE.svg] [--repeats 3]

GNL, bundled teacher. Prints a Markdown table. Seconds are processor time; the limit next to them is the time
that the convolutions alone would take at the measured peak. Images are noise, which costs the same as other images.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch

from benchmarks.models import make_batch
from benchmarks.speed import MIB, convolution_peak, count_operations, memory_bytes
from gnl_core.config import RunConfig
from gnl_core.detectors.gnl import GNL
from gnl_core.records import Batch
from gnl_core.scoring import score_each

SIDES = (32, 64, 128, 256)
BATCHES = (1, 4, 16, 64)
TRAINING_SIZES = (64, 256, 1024)
REFERENCES = (1, 4, 16, 64)
BUDGET_MB = 16  # of the feature cache; the larger training sets exceed it
SMALL_SIDE, BATCH = 64, 16


class Point(NamedTuple):
    """One measurement: milliseconds per image, their limit if known, and the growth of the process in MiB."""

    over: str
    at: int
    milliseconds: float
    limit: float | None = None
    grown_mib: float | None = None


def main() -> None:
    """Measure, print the table, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--prepare", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(clock="processor")
    parsed = parser.parse_args()
    if parsed.prepare:
        print(prepare(parsed.prepare))
        return
    points = []
    print("| over | at | ms per image | at the peak | memory grown, MiB |\n|---|---:|---:|---:|---:|")
    for point in measure(parsed):
        points.append(point)
        limit, grown = ("" if value is None else f"{value:.2f}" for value in point[3:])
        print(f"| {point.over} | {point.at} | {point.milliseconds:.2f} | {limit} | {grown} |", flush=True)
    if parsed.plot:
        draw(points, parsed.plot)


def measure(parsed: argparse.Namespace) -> Iterator[Point]:
    """Yield all measurements, one after the other."""
    peak = convolution_peak(parsed)
    for side in SIDES:
        point = scoring_point(make_batch(BATCH, side), parsed.repeats)
        yield point._replace(over="image side, px", at=side, limit=point.limit / peak)
    for count in BATCHES:
        point = scoring_point(make_batch(count, SMALL_SIDE), parsed.repeats)
        yield point._replace(over="batch", at=count, limit=point.limit / peak)
    for count in REFERENCES:
        point = scoring_point(make_batch(BATCH, SMALL_SIDE), parsed.repeats, references=count)
        yield point._replace(over="references, the nearest", at=count, limit=None)
    for count in TRAINING_SIZES:
        command = [sys.executable, "-m", "benchmarks.growth", "--prepare", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # literals, no shell  # nosec B603
        milliseconds, mib = done.stdout.split()
        yield Point(f"training images, cache of {BUDGET_MB} MiB", count, float(milliseconds), grown_mib=float(mib))


def scoring_point(batch: Batch, repeats: int, *, references: int = 1) -> Point:
    """Measure scoring one batch with matching; the limit is still in operations per image, times 1000."""
    images = batch.views["original"]
    detector, config = make_detector(images.shape[-1], references)
    detector.references.keep(detector.network.teacher, torch.rand(references, *images.shape[1:]))

    def score() -> object:
        return score_each(detector, [batch], [config])

    milliseconds = 1000 * time_call(score, repeats) / len(images)
    return Point("", 0, milliseconds, limit=1000 * count_operations(score) / len(images))


def prepare(count: int) -> str:
    """Measure `prepare` on a number of training images: milliseconds per image and growth of this process in MiB."""
    detector, _ = make_detector(SMALL_SIDE, 1)
    detector.network.teacher(make_batch(BATCH, SMALL_SIDE).views["original"])
    before, started = memory_bytes("VmRSS"), time.process_time()
    detector.prepare(new_batch(number) for number in range(count // BATCH))
    seconds = time.process_time() - started
    return f"{1000 * seconds / count} {(memory_bytes('VmRSS') - before) / MIB}"


def new_batch(number: int) -> Batch:
    """Build a batch of new images."""
    batch = make_batch(BATCH, SMALL_SIDE)
    return replace(batch, paths=tuple(f"{number}/{path}" for path in batch.paths))


def make_detector(side: int, references: int) -> tuple[GNL, RunConfig]:
    """Build GNL with the bundled teacher."""
    torch.manual_seed(0)
    config = RunConfig(
        image_size=(side, side),
        stored_references=references,
        reference_count=references,
        reference_choice="nearest" if references > 1 else "mean",
        feature_cache_mb=BUDGET_MB,
        device="cpu",
    )
    return GNL(config).eval(), config


def time_call(call: Callable[[], object], repeats: int) -> float:
    """Measure the median seconds of a call, after a warm-up call."""
    seconds = []
    for _ in range(1 + repeats):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def draw(points: list[Point], file: Path) -> None:
    """Draw one panel per varied quantity, with the limit dashed."""
    groups = list(dict.fromkeys(point.over for point in points))
    figure, panels = plt.subplots(1, len(groups), figsize=(4 * len(groups), 3), constrained_layout=True)
    for panel, over in zip(panels, groups, strict=True):
        some = [point for point in points if point.over == over]
        panel.loglog([p.at for p in some], [p.milliseconds for p in some], "o-", label="measured")
        limits = [p.limit for p in some if p.limit is not None]
        if limits:
            panel.loglog([p.at for p in some], limits, "--", label="convolutions at the peak")
        panel.set(xlabel=over, ylabel="ms per image", ylim=(0.1, None))
        panel.legend()
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
