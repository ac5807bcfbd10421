"""Measure how much faster the library is than a literal implementation of the paper (`benchmarks.literal`).

    OMP_NUM_THREADS=1 python -m benchmarks.speed [--row scoring …] [--teacher resnet18 …] [--batch 4] [--repeats 3]

The first column is the literal implementation, one strength, or PyTorch; the second is ours, five strengths, or ONNX
Runtime. Both take turns, so that the load of other programs affects both alike; each cell is the median. Seconds
are processor time; with several threads, use --clock wall. The peak is the speed of the fastest of some convolutions in
the same run. Memory is the growth of a separate process in two training steps. Weights and images are random, which
does not change the costs.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.models import Pair, literal_optimizer, literal_step, make_batch, make_pair
from benchmarks.turns import CLOCKS, Call, take_turns
from gnl_core.config.values import EngineName
from gnl_core.engines import use_engine
from gnl_core.models.blocks import keep_matrices
from gnl_core.models.feature_cache import FeatureCache
from gnl_core.records import Batch
from gnl_core.scoring import score_each

Shape = Sequence[int]
ENGINES: tuple[EngineName, ...] = ("torch", "onnxruntime")
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
LITERAL_IMAGES = 2  # the literal implementation scores one at a time, so more images add no information
PEAK_SHAPES = ((16, 64, 64), (16, 256, 16), (16, 512, 16), (64, 64, 8))  # images, channels, side; 3x3
LARGE_MB = 4096
KIB, MIB, GIB, GIGA = 2**10, 2**20, 2**30, 1e9


class Row(NamedTuple):
    """One row of the table: seconds per image, or GiB."""

    work: str
    literal: float
    ours: float
    remark: str = ""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, help="batch size of all rows; by default, the row's own")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--row", nargs="+", default=tuple(CASES), choices=tuple(CASES))
    parser.add_argument("--teacher", nargs="+", help="measure only the rows of these teachers")
    parser.add_argument("--clock", default="processor", choices=tuple(CLOCKS))
    parser.add_argument("--engine", default="torch", choices=get_args(EngineName), help="engine of our scoring")
    parser.add_argument("--grow", nargs=4, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.grow:
        print(grow(*parsed.grow))
        return
    print("| work | first | second | ratio | target | |\n|---|---:|---:|---:|---:|---|")
    for name in parsed.row:
        compare, *cases = CASES[name]
        for teacher, side, count, target in cases:
            if not parsed.teacher or teacher in parsed.teacher:
                row = compare(teacher, side, parsed.batch or count, parsed)
                print(format_row(row, target), flush=True)


def format_row(row: Row, target: str) -> str:
    """Format a row of the table."""
    ratio = row.literal / row.ours if target.startswith("≥") else row.ours / row.literal
    cells = (row.work, f"{row.literal:.4g}", f"{row.ours:.4g}", f"{ratio:.2f}×", target, row.remark)
    return f"| {' | '.join(cells)} |"


def compare_calls(first: Call, second: Call, parsed: argparse.Namespace) -> tuple[float, float]:
    """Measure the median seconds of two calls in turns, each after a warm-up call."""
    one, other = take_turns((first, second), clock=parsed.clock, repeats=parsed.repeats)
    return statistics.median(one), statistics.median(other)


def make_scoring_pair(teacher: str, side: int, engine: EngineName) -> Pair:
    """Build both implementations, ours as a loaded run is."""
    pair = make_pair(teacher, side)
    keep_matrices(pair.ours)
    use_engine(pair.ours, engine, image_size=(side, side))
    return pair


def compare_scoring(
    teacher: str, side: int, count: int, parsed: argparse.Namespace, *, precision: str = "32-true"
) -> Row:
    """Compare scoring with matching and smoothing; ours computes in the given precision."""
    pair, batch = make_scoring_pair(teacher, side, parsed.engine), make_batch(count, side)
    scoring = pair.scoring.model_copy(update={"scoring_precision": precision})
    some = batch.views["original"][:LITERAL_IMAGES]
    sigma, weight = pair.scoring.smoothing_sigma_px, pair.scoring.style_weight

    def score_ours() -> object:
        return score_each(pair.ours, [batch], [scoring])

    literal, ours = compare_calls(
        lambda: pair.literal.score(some, pair.reference, style_weight=weight, sigma_px=sigma), score_ours, parsed
    )
    rate, peak = count_operations(score_ours) / ours, convolution_peak(parsed)
    return Row(
        work=f"scoring, {teacher}, {side} px, batch {count}, {precision}, s per image",
        literal=literal / len(some),
        ours=ours / count,
        remark=f"{rate / GIGA:.0f} of {peak / GIGA:.0f} GFLOP/s: {100 * rate / peak:.0f} % of the peak",
    )


def compare_strengths(teacher: str, side: int, count: int, parsed: argparse.Namespace) -> Row:
    """Compare scoring at five strengths of matching with scoring at one."""
    pair, batch = make_scoring_pair(teacher, side, parsed.engine), make_batch(count, side)
    scorings = [pair.scoring.model_copy(update={"style_weight": strength}) for strength in STRENGTHS]

    def score_one() -> object:
        return score_each(pair.ours, [batch], [pair.scoring])

    def score_five() -> object:
        return score_each(pair.ours, [batch], scorings)

    one, five = compare_calls(score_one, score_five, parsed)
    operations = count_operations(score_five) / count_operations(score_one)
    remark = f"{operations:.2f}× the operations"
    return Row(f"5 strengths, {teacher}, {side} px, s per image", one / count, five / count, remark)


def compare_engines(teacher: str, side: int, count: int, parsed: argparse.Namespace) -> Row:
    """Compare scoring with the teacher in PyTorch and in ONNX Runtime."""
    pairs, batch = [make_scoring_pair(teacher, side, engine) for engine in ENGINES], make_batch(count, side)
    calls = (partial(score_each, pair.ours, [batch], [pair.scoring]) for pair in pairs)
    in_torch, in_graphs = compare_calls(*calls, parsed)
    work = f"scoring, torch or onnxruntime, {teacher}, {side} px, batch {count}, s per image"
    return Row(work, in_torch / count, in_graphs / count)


def compare_training(
    teacher: str, side: int, count: int, parsed: argparse.Namespace, *, precision: str = "32-true"
) -> Row:
    """Compare a training step; ours caches features of fixed views and computes in the given precision."""
    ours = training_call("ours", teacher, side, count)
    calls = training_call("literal", teacher, side, count), in_precision(ours, precision)
    literal, ours_seconds = compare_calls(*calls, parsed)
    more, fewer = map(count_operations, calls)
    remark = f"{fewer / more:.2f}× the operations"
    work = f"training step, {teacher}, {side} px, batch {count}, {precision}, s per image"
    return Row(work, literal / count, ours_seconds / count, remark)


def in_precision(call: Call, precision: str) -> Call:
    """Wrap a training step to compute in a precision, as `gnl train --precision` does."""

    def compute() -> object:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            return call()

    return compute


def training_call(kind: str, teacher: str, side: int, count: int) -> Call:
    """Build a call of a training step of one implementation, on a prepared batch."""
    pair, batch = make_pair(teacher, side), make_batch(count, side)
    if kind == "literal":
        optimizer = literal_optimizer(pair.literal)
        return lambda: literal_step(pair, batch, optimizer)
    return step_call(pair, batch)


def step_call(pair: Pair, batch: Batch) -> Call:
    """Build a call of our training step, on a prepared batch."""
    pair.ours.prepare([batch])
    pair.ours.train()
    optimizers = pair.ours.optimizers(pair.ours.learning_rate)
    return lambda: pair.ours.training_step(batch, optimizers, progress=0)


def compare_spill(teacher: str, side: int, count: int, parsed: argparse.Namespace) -> Row:
    """Compare a training step that encodes its fixed views each time with a step that reads their maps from a file."""
    first, second, third = (
        cached_call(teacher, side, count, memory_mb=memory, spill_mb=spill)
        for memory, spill in ((0, 0), (0, LARGE_MB), (LARGE_MB, 0))
    )
    encoded, spilled = compare_calls(first, second, parsed)
    _, kept = compare_calls(second, third, parsed)
    return Row(
        f"training step, maps encoded or in a file, {teacher}, {side} px, batch {count}, s per image",
        encoded / count,
        spilled / count,
        f"in memory {kept / count:.4g}",
    )


def cached_call(teacher: str, side: int, count: int, *, memory_mb: int, spill_mb: int) -> Call:
    """Build a call of our training step with the given space for maps in memory and in a file."""
    pair, batch = make_pair(teacher, side), make_batch(count, side)
    cache = FeatureCache(pair.ours.network.teacher, budget_bytes=memory_mb * MIB, spill_bytes=spill_mb * MIB)
    pair.ours.cache = cache
    return step_call(pair, batch)


def compare_memory(teacher: str, side: int, count: int, parsed: argparse.Namespace) -> Row:
    """Compare the memory that two training steps add to a process."""
    command = [sys.executable, "-m", "benchmarks.speed", "--grow", teacher, str(side), str(count)]
    literal, ours = (float(output_of([*command, kind])) for kind in ("literal", "ours"))
    return Row(f"memory of a training step, {teacher}, {side} px, batch {count}, GiB", literal, ours)


def output_of(command: list[str]) -> str:
    """Run a command and return its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # no shell  # nosec B603


def grow(teacher: str, side: str, count: str, kind: str) -> float:
    """Measure the growth of this process in two training steps, in GiB."""
    call, before = training_call(kind, teacher, int(side), int(count)), memory_bytes("VmRSS")
    call()
    call()
    return (memory_bytes("VmHWM") - before) / GIB


def memory_bytes(field: str) -> int:
    """Read this process's current (VmRSS) or peak (VmHWM) memory; Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * KIB


def convolution_peak(parsed: argparse.Namespace) -> float:
    """Measure the operations per second of the fastest of some convolutions."""
    clock, best = CLOCKS[parsed.clock], 0.0
    for count, channels, side in PEAK_SHAPES:
        images = torch.rand(count, channels, side, side).contiguous(memory_format=torch.channels_last)
        kernel = torch.rand(channels, channels, 3, 3).contiguous(memory_format=torch.channels_last)
        for _ in range(1 + parsed.repeats):
            started = clock()
            F.conv2d(images, kernel, padding=1)
            best = max(best, 2 * images.numel() * channels * 9 / (clock() - started))
    return best


def count_operations(call: Call) -> int:
    """Count the floating-point operations of a call's convolutions and matrix products."""
    with FlopCounterMode(display=False, custom_mapping=ONEDNN_PRODUCTS) as counter:
        call()
    return int(counter.get_total_flops())


def count_product(rows: Shape, weight: Shape, *_: object, **__: object) -> int:
    """Count the operations of a product of rows (M, K) with a weight (N, K)."""
    return 2 * rows[0] * math.prod(weight)


ONEDNN_PRODUCTS = {torch.ops.aten.mkldnn_linear: count_product}


CASES = {
    "scoring": (compare_scoring, ("resnet18", 32, 64, "≥ 30×"), ("resnet50", 256, 4, "≥ 2.8×")),
    "engines": (
        compare_engines,
        ("efficientnet_lite0", 64, 16, "≥ 1.6×"),
        ("efficientnet_lite0", 128, 16, "≥ 1.6×"),
        ("efficientnet_lite0", 256, 4, "≥ 1×"),
        ("resnet18", 32, 64, "≥ 1×"),
        ("resnet50", 256, 4, "≥ 1×"),
    ),
    "strengths": (
        compare_strengths,
        ("resnet18", 32, 64, "≤ 3.6×"),
        ("resnet50", 256, 4, "≤ 3.6×"),
        ("efficientnet_lite0", 64, 64, "≤ 3.6×"),
        ("efficientnet_lite0", 256, 4, "≤ 3.6×"),
    ),
    "scoring-bf16": (partial(compare_scoring, precision="bf16-mixed"), ("resnet50", 256, 4, "≥ 5×")),
    "training": (compare_training, ("resnet18", 32, 16, "≥ 1.6×"), ("resnet50", 256, 16, "≥ 2.5×")),
    "training-bf16": (partial(compare_training, precision="bf16-mixed"), ("resnet50", 256, 16, "≥ 4×")),
    "spill": (compare_spill, ("efficientnet_lite0", 128, 16, "≥ 1×")),
    "memory": (compare_memory, ("resnet50", 256, 16, "≤ 0.6×")),
}

if __name__ == "__main__":
    main()
