"""What a run costs on this machine: seconds for an image in training and in scoring, and the checkpoint's size.

    OMP_NUM_THREADS=1 python -m benchmarks.costs --detector rd4ad gnl --teacher resnet18 --image-size 28

Trains each method for two epochs on rendered images of the data set parts. The second epoch is counted, since some
things are computed once. Prints a Markdown table. A teacher's weights do not change its costs: where they are not at
hand, a file with random ones will do (--teacher-weights FILE).

Seconds are the processor's, so that other programs on the machine matter little; with --device cuda, the clock's.
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
    """Measure and print a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", nargs="+", required=True)
    parser.add_argument("--teacher", default="efficientnet_lite0")
    parser.add_argument("--teacher-weights", type=Path)
    parser.add_argument("--image-size", default="64")
    parser.add_argument("--limit", type=int, default=32, help="images to train on")
    parser.add_argument("--device", default="cpu")
    settings = vars(parser.parse_args())
    print("| method | teacher | px | training, s an image and epoch | scoring, s an image | checkpoint, MB |")
    print("|---|---|---|---|---|---|")
    for detector in settings.pop("detector"):
        task = {"detector": detector, "dataset": "parts", "normal_class": "nut", "epochs": EPOCHS}
        print("| " + " | ".join(measure(parse_config(settings | task))) + " |", flush=True)


def measure(config: RunConfig) -> tuple[str, ...]:
    """One row of the table; no seconds of training for a method that learns nothing beyond its preparation."""
    clock = time.process_time if config.device == "cpu" else time.perf_counter
    detector, batches = prepare_training(config)
    ends = [clock() for _ in fit(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate)]
    training = f"{(ends[-1] - ends[0]) / len(batches.items):.3f}" if len(ends) == EPOCHS else "-"
    scoring = time_call(lambda: score(detector, batches, config), clock) / len(batches.items)
    size = f"{checkpoint_bytes(detector, config) / MB:.1f}"
    return config.detector, config.teacher, str(config.image_size[0]), training, f"{scoring:.3f}", size


def time_call(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds that a call takes."""
    started = clock()
    call()
    return clock() - started


def checkpoint_bytes(detector: Detector, config: RunConfig) -> int:
    """The size of the detector's checkpoint."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "weights.safetensors"
        save_checkpoint(file, detector, config, epoch=EPOCHS)
        return file.stat().st_size


if __name__ == "__main__":
    main()
