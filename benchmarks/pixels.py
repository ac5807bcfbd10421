"""Compare the costs of pixel AUROC and average precision of 500 maps of 256 px: one sort, and scikit-learn's curves.

    python -m benchmarks.pixels

Prints the metrics, the processor time in seconds and the memory needed in addition to the scores. Linux and macOS.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from gnl_core.metrics.ranking import area_under_roc, average_precision, rank

PIXELS = 500 * 256**2
MARKED = PIXELS // 25
RSS_UNIT = 2**20 if sys.platform == "darwin" else 2**10

Scores = tuple[NDArray[np.float32], NDArray[np.float32]]


def main() -> None:
    """Measure both, each in its own process, so that their memory is measured separately."""
    for measure in (by_one_sort, by_scikit_learn):
        process = multiprocessing.get_context("spawn").Process(target=run, args=(measure,))
        process.start()
        process.join()


def run(measure: Callable[[Scores], tuple[float, float]]) -> None:
    """Measure an implementation, and print a line."""
    generator = np.random.default_rng(0)
    normal = generator.standard_normal(PIXELS - MARKED, dtype=np.float32)
    scores = (normal, generator.standard_normal(MARKED, dtype=np.float32) + 1)
    before, began = peak_mib(), time.process_time()
    auroc, precision = measure(scores)
    seconds, memory = time.process_time() - began, peak_mib() - before
    print(f"{measure.__name__:<16} AUROC {auroc:.6f}  AP {precision:.6f}  {seconds:6.1f} s  {memory:6.0f} MiB")


def by_one_sort(scores: Scores) -> tuple[float, float]:
    """Compute both metrics our way."""
    ranks = rank(*scores)
    assert ranks is not None
    return area_under_roc(ranks), average_precision(ranks)


def by_scikit_learn(scores: Scores) -> tuple[float, float]:
    """Compute both metrics with scikit-learn."""
    labels, joined = np.repeat([False, True], [len(part) for part in scores]), np.concatenate(scores)
    return float(roc_auc_score(labels, joined)), float(average_precision_score(labels, joined))


def peak_mib() -> float:
    """Return the peak memory of the process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNIT


if __name__ == "__main__":
    main()
