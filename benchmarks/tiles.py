"""Measure the memory and the time of scoring a large photograph in tiles.

The photograph is noise, since its content has no influence, and the detector is not trained. Memory is the largest
resident memory of the process while it scores, above that with the detector loaded and one tile scored.

    OMP_NUM_THREADS=1 python -m benchmarks.tiles
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

from gnl_core.config import RunConfig, parse_config
from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.tiles import tiling_of
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.runs.scoring import scoring_batches
from gnl_core.scoring import detect

UNITS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss


def main() -> None:
    """Measure one size, and print a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4000, help="height and width of the photographs in pixels")
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument("--images", type=int, default=2, help="photographs that are scored one after the other")
    parsed = parser.parse_args()
    settings = {"detector": "rd4ad", "image_size": parsed.side, "tile_size": parsed.tile_size, "device": "cpu"}
    config = parse_config(settings)
    tiling = tiling_of(config)
    assert tiling is not None, "the run has tiles"
    detector = create_detector(config).eval()
    score(detector, config.model_copy(update={"image_size": config.input_size}), side=parsed.tile_size, count=1)
    before = largest_memory_mib()
    seconds = score(detector, config, side=parsed.side, count=parsed.images)
    print("| side, px | tiles | memory, MiB | seconds per image |\n|---|---|---|---|")
    n_tiles = len(tiling.tops) * len(tiling.lefts)
    print(f"| {parsed.side:,} | {n_tiles} | {largest_memory_mib() - before:.0f} | {seconds / parsed.images:.1f} |")


def score(detector: Detector, config: RunConfig, *, side: int, count: int) -> float:
    """Score square photographs, and return the seconds that it takes."""
    items = [Item(str(seed), photograph(side, seed=seed), 0, domain="", category="") for seed in range(count)]
    started = time.perf_counter()
    for _ in detect(detector, scoring_batches(items, config), config):
        pass
    return time.perf_counter() - started


def photograph(side: int, *, seed: int) -> Callable[[], Image]:
    """Return a function that draws a square photograph of noise, RGB, shape (side, side, 3)."""

    def draw() -> Image:
        return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)

    return draw


def largest_memory_mib() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_PER_MIB


if __name__ == "__main__":
    main()
