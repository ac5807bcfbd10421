"""Compare how far shifts move normal images in an embedding with the label-free shift score.

    python -m benchmarks.embedding_distances RUN [RUN ...] [--most 64] [--severity 3]

Places up to --most images of each label in each run's embedding, without matching: of the training images, the
in-distribution domain, every shifted domain of its data set, and every corruption at one severity. Prints a Markdown
table, and the rank correlation of shift and shift score over each run's rows.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gnl_core.datasets import find_dataset
from gnl_core.datasets.corruptions import CORRUPTIONS
from gnl_core.datasets.drawing import draw_per_label
from gnl_core.datasets.shifts import shifted_domain
from gnl_core.metrics.embedding import Group, fit_frame, separate
from gnl_core.metrics.ranking import rank_correlation
from gnl_core.runs.domains import TRAIN
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run, measure_domain_shift, resolve_scoring, scoring_batches
from gnl_core.scoring import embed


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=64)
    parser.add_argument("--severity", type=int, default=3)
    parsed = parser.parse_args()
    print("| run | domain | shift | anomaly | shift score |\n| --- | --- | --- | --- | --- |")
    for path in parsed.run:
        print_run(load_run(RunFolder(path)), path.name, most=parsed.most, severity=parsed.severity)


def print_run(run: Run, name: str, *, most: int, severity: int) -> None:
    """Print the rows of a run, and the rank correlation over them."""
    spec = find_dataset(run.config.dataset, run.config.data_root)
    corrupted = [shifted_domain(spec.in_distribution, f"{corruption}:{severity}") for corruption in CORRUPTIONS]
    frame, base = fit_frame(place(run, TRAIN, most=most).points), place(run, spec.in_distribution, most=most)
    shifts, scores = [], []
    for domain in tqdm([*spec.shifted, *corrupted], desc=name):
        found, score = separate(frame, base, place(run, domain, most=most)), measure_domain_shift(run, domain)
        if found.shift is None or found.anomaly is None or score is None:
            continue
        shifts.append(found.shift)
        scores.append(score)
        tqdm.write(
            f"| {name} | {domain} | {math.sqrt(found.shift):.2f} | {math.sqrt(found.anomaly):.2f} | {score:.2f} |"
        )
    correlation = rank_correlation(shifts, scores)
    shown = "undefined" if correlation is None else f"{correlation:.2f}"
    tqdm.write(f"\n{name}: rank correlation of shift and shift score over {len(shifts)} domains: {shown}\n")


def place(run: Run, domain: str, *, most: int) -> Group:
    """Place a domain's images, or a few of each label, in the run's embedding without matching."""
    items = list_domain(run.config, domain)
    drawn = draw_per_label(np.array([item.label for item in items]), count=most, seed=0)
    chosen = [items[position] for position in drawn]
    points = embed(run.detector, scoring_batches(chosen, run.config), resolve_scoring(run, style_weight=0.0))
    return Group(points, np.array([item.label for item in chosen]))


if __name__ == "__main__":
    main()
