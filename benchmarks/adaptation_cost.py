"""What adapting costs, as ratios to scoring in the same process: adapting from 16 images, and scoring adapted.

    python -m benchmarks.adaptation_cost RUN... [--domain D] [--repeats 7]

Images are loaded beforehand. Each figure is the smallest of several alternating repeats, in processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.adaptation import offered_ways
from gnl_core.adapting import AdaptationSettings, adapt
from gnl_core.adapting.detecting import detect_all
from gnl_core.adapting.fitting import fit_adaptation
from gnl_core.datasets import find_dataset
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run, resolve_scoring
from gnl_core.runs.tray_images import load_training, load_tray

TRAY, SCORED = 16, 40
BASELINE = "unadapted"


def main() -> None:
    """Print both ratios for each run and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--domain", help="domain to adapt to; unset: the last of the data set")
    parser.add_argument("--repeats", type=int, default=7)
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    for path in parsed.runs:
        run = load_run(RunFolder(path), device="cpu")
        spec = find_dataset(run.config.dataset, run.config.data_root)
        items = list_domain(run.config, parsed.domain or spec.domains[-1])[:SCORED]
        works = list_works(run, load_tray(items, run.config))
        print(path.name)
        seconds = smallest_seconds(works, repeats=parsed.repeats)
        for name, spent in seconds.items():
            print(f"  {name:<32} {1000 * spent:7.0f} ms   {spent / seconds[BASELINE]:.2f} × scoring {SCORED} images")


def list_works(run: Run, images: Tensor) -> dict[str, Callable[[], object]]:
    """List what is timed for a run: scoring as it is, and for each way adapting to some images and scoring adapted."""
    scoring, training = resolve_scoring(run, style_weight=0.0), load_training(run)
    works: dict[str, Callable[[], object]] = {BASELINE: partial(detect_all, run.detector, images, scoring)}
    for name, ways in offered_ways(run.detector).items():
        settings = AdaptationSettings(ways=ways)
        tray = images[:TRAY]
        works[f"adapting: {name}"] = partial(adapt, run.detector, tray, scoring, training=training, settings=settings)
        adapted = run.detector.adapted(fit_adaptation(run.detector, tray, scoring, ways))
        works[f"scoring adapted: {name}"] = partial(detect_all, adapted, images, scoring)
    return works


def smallest_seconds(works: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Run each work in turn, several times; the smallest processor time of each, in seconds."""
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            start = time.process_time()
            work()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


if __name__ == "__main__":
    main()
