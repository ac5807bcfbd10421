"""Measure the share of wall time that training and scoring wait for data, with and without cached images, by workers.

    python -m benchmarks.loading [--images 96] [--repeats 3] [--dataset NAME …] [--data-root DIR]

GNL, bundled teacher, batches of 16. Prints a Markdown table without the data sets that are missing. Each cell is the
median of repeats that take turns, so that the load of other programs affects all of them alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gnl_core.config import RunConfig, parse_config
from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.records import Batch
from gnl_core.runs.scoring import scoring_batches
from gnl_core.scoring import score

CASES = (
    ("digits", "4", 32),
    ("mnist", "4", 32),
    ("parts", "nut", 128),
    ("pacs", "elephant", 128),
    ("mvtec", "bottle", 256),
)
WORKERS = (0, 1, 2)
HEADS = ("training, images kept", "training, read again", "scoring")


class Measured(NamedTuple):
    """The wall time of one pass, and the part of it spent waiting for batches."""

    total_seconds: float
    waiting_seconds: float


class Waiting:
    """Batches whose iteration adds up the seconds spent waiting for each."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self.batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        source = iter(self.batches)
        while True:
            started = time.perf_counter()
            batch = next(source, None)
            self.seconds += time.perf_counter() - started
            if batch is None:
                return
            yield batch


def main() -> None:
    """Measure each available data set, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=96, help="images per pass")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dataset", nargs="+", help="data sets to measure; unset: all")
    parser.add_argument("--data-root", type=Path)
    parsed = parser.parse_args()
    columns = [f"{head}, {workers} workers" for head in HEADS for workers in WORKERS]
    print(f"| data set | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, normal_class, side in CASES:
        if parsed.dataset and name not in parsed.dataset:
            continue
        config = parse_config({"dataset": name, "normal_class": normal_class, "image_size": side})
        try:
            train, test = list_both(config, parsed.data_root, count=parsed.images)
        except ValueError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        cells = measure(config, train, test, repeats=parsed.repeats)
        print(f"| {name}, {side} px | {' | '.join(cells)} |", flush=True)


def list_both(config: RunConfig, root: Path | None, *, count: int) -> tuple[list[Item], list[Item]]:
    """List the requested number of training images and of images to score."""
    domain = find_dataset(config.dataset, root).in_distribution
    train = list_train_items(config.dataset, normal_class=config.normal_class, root=root)
    return train[:count], list_items(config.dataset, normal_class=config.normal_class, domain=domain, root=root)[:count]


def measure(config: RunConfig, train: list[Item], test: list[Item], *, repeats: int) -> list[str]:
    """Measure the cells of one row: the share of time spent waiting, and the time relative to no workers."""
    detector = create_detector(config)
    detector.prepare(training_batches(config, detector, train, workers=0, cache_mb=1024))
    measured: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for _ in range(repeats):
        for workers in WORKERS:
            for head, cache_mb in ((HEADS[0], 1024), (HEADS[1], 0)):
                batches = training_batches(config, detector, train, workers=workers, cache_mb=cache_mb)
                measured[head, workers].append(train_epoch(detector, batches))
            batches = scoring_batches(test, config.model_copy(update={"workers": workers}))
            measured[HEADS[2], workers].append(score_all(detector, batches, config))
    return [format_cell(measured[head, workers], measured[head, 0]) for head in HEADS for workers in WORKERS]


def training_batches(
    config: RunConfig, detector: Detector, items: list[Item], *, workers: int, cache_mb: int
) -> Batches:
    """Build batches of the items as a training loads them."""
    return Batches(
        items,
        image_size=config.image_size,
        batch_size=config.batch_size,
        views=detector.views,
        augmix_operations=find_dataset(config.dataset).augmix_operations,
        workers=workers,
        cache_mb=cache_mb,
    )


def train_epoch(detector: Detector, batches: Batches) -> Measured:
    """Measure one epoch; cached images have been read before, as in a training."""
    for position in range(len(batches.items) if batches.cache_mb else 0):
        batches.decoded.read(position)
    detector.train()
    optimizers = detector.optimizers(0.005)
    started = time.perf_counter()
    waiting = Waiting(batches.epoch(1))
    for batch in waiting:
        detector.training_step(batch, optimizers, progress=0)
    return Measured(time.perf_counter() - started, waiting.seconds)


def score_all(detector: Detector, batches: Batches, config: RunConfig) -> Measured:
    """Measure one pass of scoring."""
    detector.eval()
    started = time.perf_counter()
    waiting = Waiting(batches)
    score(detector, waiting, config)
    return Measured(time.perf_counter() - started, waiting.seconds)


def format_cell(passes: list[Measured], without_workers: list[Measured]) -> str:
    """Format the share of time spent waiting in percent, and the time as a multiple of that without workers."""
    share = statistics.median(one_pass.waiting_seconds / one_pass.total_seconds for one_pass in passes)
    total, alone = (
        statistics.median(one_pass.total_seconds for one_pass in group) for group in (passes, without_workers)
    )
    return f"{100 * share:.0f} % (×{total / alone:.2f})"


if __name__ == "__main__":
    main()
