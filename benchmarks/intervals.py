"""Measure the 95 % interval of an AUROC: its cost from ranks and from all pairs, and how often it contains the truth.

    python -m benchmarks.intervals

Prints seconds and peak memory for 20,000 normal and 20,000 anomalous images, then a Markdown table of coverage: the
share of simulated test sets whose interval contains the true AUROC, next to that of AUROC ± 1.96 standard errors.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gnl_core.metrics.intervals import NORMAL_QUANTILE, Estimate, Placements, estimate, interval_of_auroc, place

IMAGES = 20_000  # of each label
CHUNK = 500  # normal images compared with all anomalous images at a time, to avoid holding the whole matrix
DRAWS = 1000
COUNTS = ((5, 5), (10, 10), (20, 20), (10, 100), (100, 10), (75, 650))
TRUTHS = (0.5, 0.75, 0.9, 0.97, 0.99)
ANOMALOUS_DEVIATIONS = (1.0, 3.0)  # in units of the normal scores' standard deviation

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]


def main() -> None:
    """Measure cost and coverage."""
    for measure in (by_ranks, by_all_pairs):
        print_cost(measure)
    print("\n| normal | anomalous | deviation |", " | ".join(f"AUROC {truth:g}" for truth in TRUTHS), "|")
    print("| ---: | ---: | ---: |", " | ".join("---:" for _ in TRUTHS), "|")
    for n_normal, n_anomalous in COUNTS:
        for deviation in ANOMALOUS_DEVIATIONS:
            cells = [coverage(n_normal, n_anomalous, truth=truth, deviation=deviation) for truth in TRUTHS]
            row = " | ".join(f"{ours:.1%} ({wald:.1%})" for ours, wald in cells)
            print(f"| {n_normal} | {n_anomalous} | {deviation:g} | {row} |", flush=True)


def print_cost(measure: Callable[[Scores], tuple[float, float]]) -> None:
    """Measure an implementation, and print a line; memory in a second run, because tracing it takes time."""
    scores = draw(np.random.default_rng(0), IMAGES, IMAGES, truth=0.9, deviation=1.0)
    began = time.process_time()
    low, high = measure(scores)
    seconds = time.process_time() - began
    tracemalloc.start()
    measure(scores)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{measure.__name__:<12} {low:.6f} to {high:.6f}  {seconds:7.2f} s  {peak / 2**20:7.1f} MiB")


def by_ranks(scores: Scores) -> tuple[float, float]:
    """Compute the interval our way: placements from two sorts."""
    return interval_of_auroc(estimate_of(scores))


def by_all_pairs(scores: Scores) -> tuple[float, float]:
    """Compute DeLong's definition literally: a matrix of all pairs, and its means by row and by column."""
    normal, anomalous = scores
    wins = np.empty((len(normal), len(anomalous)))
    for start in range(0, len(normal), CHUNK):
        part = normal[start : start + CHUNK, None]
        wins[start : start + CHUNK] = (anomalous > part) + 0.5 * (anomalous == part)
    return interval_of_auroc(estimate({("", 0): Placements(wins.mean(axis=1), wins.mean(axis=0))}))


def coverage(n_normal: int, n_anomalous: int, *, truth: float, deviation: float) -> tuple[float, float]:
    """Simulate the share of test sets whose interval contains the true AUROC: ours and Wald's.

    Args:
        n_normal: Normal images of each test set.
        n_anomalous: Anomalous images of each test set.
        truth: The true AUROC.
        deviation: Standard deviation of the anomalous scores; that of the normal ones is 1.
    """
    generator = np.random.default_rng(0)
    estimates = [
        estimate_of(draw(generator, n_normal, n_anomalous, truth=truth, deviation=deviation)) for _ in range(DRAWS)
    ]
    ours = [low <= truth <= high for low, high in map(interval_of_auroc, estimates)]
    wald = [abs(estimate.value - truth) <= NORMAL_QUANTILE * estimate.standard_error for estimate in estimates]
    return float(np.mean(ours)), float(np.mean(wald))


def draw(generator: np.random.Generator, n_normal: int, n_anomalous: int, *, truth: float, deviation: float) -> Scores:
    """Draw normally distributed scores of normal and anomalous images with a given true AUROC."""
    distance = NormalDist().inv_cdf(truth) * math.hypot(1, deviation)
    return generator.normal(size=n_normal), distance + deviation * generator.normal(size=n_anomalous)


def estimate_of(scores: Scores) -> Estimate:
    """Estimate the AUROC of one test set and its standard error."""
    labels = np.repeat([0, 1], [len(part) for part in scores])
    placements = place(labels, np.concatenate(scores))
    assert placements is not None
    return estimate({("", 0): placements})


if __name__ == "__main__":
    main()
