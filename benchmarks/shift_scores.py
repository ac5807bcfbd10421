"""Compare the label-free shift score with the AUROC drop of each shift, and compute their rank correlation.

    python -m benchmarks.shift_scores RUN [RUN ...] [--domain NAME ...] [--shift defocus_blur:3 ...]

Scores each run without matching, in-distribution and in every named domain (by default, all shifted domains of
its data set, and every corruption at severities 1, 3 and 5). Prints a Markdown table, and Spearman's correlation over
all rows of all runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from scipy.stats import spearmanr
from tqdm import tqdm

from gnl_core.datasets import find_dataset
from gnl_core.datasets.corruptions import CORRUPTIONS
from gnl_core.datasets.shifts import shifted_domain
from gnl_core.metrics.image import auroc
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_run, measure_domain_shift, resolve_scoring, score_domain

SEVERITIES = (1, 3, 5)


class Row(NamedTuple):
    """One domain of one run."""

    run: str
    domain: str
    shift_score: float
    drop: float


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="+")
    parser.add_argument("--domain", nargs="+")
    parser.add_argument(
        "--shift", nargs="+", default=[f"{name}:{level}" for name in CORRUPTIONS for level in SEVERITIES]
    )
    parser.add_argument("--data-root", type=Path)
    parsed = parser.parse_args()
    rows: list[Row] = []
    for path in parsed.run:
        run = load_run(RunFolder(path), data_root=parsed.data_root)
        spec = find_dataset(run.config.dataset, run.config.data_root)
        named = parsed.domain or [
            *spec.shifted,
            *(shifted_domain(spec.in_distribution, shift) for shift in parsed.shift),
        ]
        rows += measure(run, path.name, spec.in_distribution, list(dict.fromkeys(named)))
    print("| run | domain | shift score | AUROC drop |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row.run} | {row.domain} | {row.shift_score:.2f} | {row.drop:+.3f} |")
    correlation = spearmanr([row.shift_score for row in rows], [row.drop for row in rows])
    print(
        f"\nSpearman's correlation over {len(rows)} domains: {correlation.statistic:.2f} (p = {correlation.pvalue:.1g})"
    )


def measure(run: Run, name: str, in_distribution: str, domains: list[str]) -> list[Row]:
    """Measure shift score and AUROC drop of each domain that has an AUROC."""
    reference = score_auroc(run, in_distribution)
    rows = []
    for domain in tqdm(domains, desc=name):
        value, shift = score_auroc(run, domain), measure_domain_shift(run, domain)
        if reference is not None and value is not None and shift is not None:
            rows.append(Row(name, domain, shift, reference - value))
    return rows


def score_auroc(run: Run, domain: str) -> float | None:
    """Compute the AUROC of one domain without matching."""
    scores = score_domain(run, domain, resolve_scoring(run, style_weight=0.0))
    return auroc(scores.label, scores.score)


if __name__ == "__main__":
    main()
