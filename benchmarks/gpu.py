"""Measure scoring and training on a GPU, and how far its scores differ from those of the CPU.

    bash benchmarks/gpu.sh
    python -m benchmarks.gpu [--device cuda] [--backbone resnet50 …] [--side 256] [--batch 64] [--repeats 10]

GNL with random weights on noise images, which changes no cost. Prints the largest difference of scores between GPU and
CPU, as a share of the mean score, then images per second, operations per second, and their share of the fastest matrix
product that the same device computes in the same precision.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch

from benchmarks.models import Pair, make_batch, make_pair
from benchmarks.speed import GIGA, count_operations, step_call
from gnl_core.records import Batch
from gnl_core.scoring import score

Call = Callable[[], object]
PRECISIONS = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16}
PARITY_IMAGES = 8
PARITY_STRENGTHS = (0.0, 0.5, 1.0)
PEAK_SIDE = 8192  # rows and columns of the matrices whose product is the peak; smaller on a CPU
PEAK_SIDE_CPU = 1024


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--backbone", nargs="+", default=["resnet50", "wide_resnet50_2"])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=10)
    parsed = parser.parse_args()
    device = torch.device(parsed.device)
    print("| backbone | α | scores differ from the CPU's by at most |\n|---|---|---:|")
    for backbone in parsed.backbone:
        for strength, difference in differences(backbone, parsed.side, device):
            print(f"| {backbone} | {strength:g} | {difference:.1e} |", flush=True)
    print("\n| work | precision | images per s | TFLOP/s | share of the peak |\n|---|---|---:|---:|---:|")
    peaks = {name: matrix_peak(device, kind, parsed.repeats) for name, kind in PRECISIONS.items()}
    for backbone in parsed.backbone:
        for work, precision, call in list_work(backbone, parsed, device):
            seconds = median_seconds(call, device, parsed.repeats)
            rate = count_operations(call) / seconds
            cells = (work, precision, f"{parsed.batch / seconds:.0f}", f"{rate / GIGA / 1000:.2f}")
            print(f"| {' | '.join(cells)} | {rate / peaks[precision]:.0%} |", flush=True)


def differences(backbone: str, side: int, device: torch.device) -> Iterator[tuple[float, float]]:
    """Yield for each strength the largest difference of scores between CPU and device, as a share of their mean."""
    pair, batch = make_pair(backbone, side), make_batch(PARITY_IMAGES, side)
    for strength in PARITY_STRENGTHS:
        scoring = pair.scoring.model_copy(update={"style_weight": strength})
        on_cpu = score(pair.ours.cpu(), [batch], scoring).score
        on_device = score(pair.ours.to(device), [batch], scoring).score
        yield strength, float(abs(on_cpu - on_device).max() / on_cpu.mean())


def list_work(backbone: str, parsed: argparse.Namespace, device: torch.device) -> Iterator[tuple[str, str, Call]]:
    """Yield name, precision and call of each work: scoring a batch, and a training step."""
    pair, batch = make_pair(backbone, parsed.side), make_batch(parsed.batch, parsed.side)
    pair.ours.to(device)
    for precision in PRECISIONS:
        yield f"scoring, {backbone}", precision, partial(score_at, pair, batch, precision)
    step = step_call(pair, on_device(batch, device))
    for precision, kind in PRECISIONS.items():
        yield f"training step, {backbone}", precision, partial(step_at, step, device, kind)


def score_at(pair: Pair, batch: Batch, precision: str) -> object:
    """Score a batch at a precision."""
    return score(pair.ours, [batch], pair.scoring.model_copy(update={"scoring_precision": precision}))


def step_at(step: Call, device: torch.device, kind: torch.dtype) -> object:
    """Take a training step at a precision."""
    with torch.autocast(device.type, torch.bfloat16, enabled=kind == torch.bfloat16):
        return step()


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Move a batch's views to a device, as the training loop does."""
    return replace(batch, views={name: images.to(device) for name, images in batch.views.items()})


def matrix_peak(device: torch.device, kind: torch.dtype, repeats: int) -> float:
    """Measure the operations per second of a large matrix product."""
    side = PEAK_SIDE_CPU if device.type == "cpu" else PEAK_SIDE
    left, right = (torch.rand(side, side, device=device, dtype=kind) for _ in range(2))
    return 2 * side**3 / median_seconds(lambda: left @ right, device, repeats)


def median_seconds(call: Call, device: torch.device, repeats: int) -> float:
    """Measure the median wall time of a call after two warm-up calls, waiting for the device each time."""
    seconds = []
    for _ in range(2 + repeats):
        started = time.perf_counter()
        call()
        if device.type != "cpu":
            torch.accelerator.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[2:])


if __name__ == "__main__":
    main()
