"""Measure the costs of a run on this machine: seconds per image in training and scoring, and the checkpoint's size.

    OMP_NUM_THREADS=1 python -m benchmarks.costs --detector rd4ad gnl --teacher resnet18 --image-size 28

Trains each method for two epochs on rendered images of the data set parts. The second epoch is measured, because the
first includes work that is done only once. Prints a Markdown table. The costs do not depend on the teacher's weights:
if they are not available, a file with random weights serves as well (--teacher-weights FILE).

Seconds are processor time, which other programs on the machine hardly affect; with --device cuda, wall time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gnl_core.config import RunConfig, parse_config
from gnl_core.detectors.base import Detector
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.training import prepare_training
from gnl_core.scoring import score
from gnl_core.training import fit

MB = 10**6
EPOCHS = 2


def main() -> None:
    """Measure each method, and print one row per method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", nargs="+", required=True)
    parser.add_argument("--teacher", default="efficientnet_lite0")
    parser.add_argument("--teacher-weights", type=Path)
    parser.add_argument("--image-size", default="64")
    parser.add_argument("--limit", type=int, default=32, help="images to train on")
    parser.add_argument("--device", default="cpu")
    settings = vars(parser.parse_args())
    print("| method | teacher | px | training, s per image and epoch | scoring, s per image | checkpoint, MB |")
    print("|---|---|---|---|---|---|")
    for detector in settings.pop("detector"):
        task = {"detector": detector, "dataset": "parts", "normal_class": "nut", "epochs": EPOCHS}
        print("| " + " | ".join(measure(parse_config(settings | task))) + " |", flush=True)


def measure(config: RunConfig) -> tuple[str, ...]:
    """Measure one row of the table; no training time for a method that learns nothing after its preparation."""
    clock = time.process_time if config.device == "cpu" else time.perf_counter
    detector, batches = prepare_training(config)
    ends = [clock() for _ in fit(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate)]
    training = f"{(ends[-1] - ends[0]) / len(batches.items):.3f}" if len(ends) == EPOCHS else "-"
    scoring = time_call(lambda: score(detector, batches, config), clock) / len(batches.items)
    size = f"{checkpoint_bytes(detector, config) / MB:.1f}"
    return config.detector, config.teacher, str(config.image_size[0]), training, f"{scoring:.3f}", size


def time_call(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Measure the seconds that a call takes."""
    started = clock()
    call()
    return clock() - started


def checkpoint_bytes(detector: Detector, config: RunConfig) -> int:
    """Return the size of the detector's checkpoint."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "weights.safetensors"
        save_checkpoint(file, detector, config, epoch=EPOCHS)
        return file.stat().st_size


if __name__ == "__main__":
    main()
