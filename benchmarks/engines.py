"""Measure how far scores computed with ONNX Runtime differ from PyTorch's, on every domain of the bundled runs.

    OMP_NUM_THREADS=1 python -m benchmarks.engines [--run assets/checkpoints/digits-4-gnl …]

Prints a Markdown table with, for each run and strength of matching, the number of images, the largest difference of a
score, the share of scores that differ by at most 1e-4, and the largest difference of a domain's AUROC.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from gnl_core.config import ScoringConfig
from gnl_core.datasets import find_dataset
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_domain, load_run, resolve_scoring
from gnl_core.scoring import score_each

BUNDLED = Path(__file__).parents[1] / "assets" / "checkpoints"
STRENGTHS = (0.0, 0.5, 1.0)
SMALL = 1e-4


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", nargs="+", type=Path, default=sorted(BUNDLED.iterdir()))
    parsed = parser.parse_args()
    print("| run | α | images | scores, largest | scores within 1e-4 | AUROC, largest |\n|---|---|---:|---:|---:|---:|")
    for path in parsed.run:
        ours, theirs = (load_run(RunFolder(path), device="cpu", engine=name) for name in ("torch", "onnxruntime"))
        scorings = [resolve_scoring(ours, style_weight=strength) for strength in STRENGTHS]
        scores = zip(score_domains(ours, scorings), score_domains(theirs, scorings), strict=True)
        for strength, pair in zip(STRENGTHS, scores, strict=True):
            print(f"| `{path.name}` | {strength:g} | {' | '.join(compare(*pair))} |", flush=True)


def score_domains(run: Run, scorings: list[ScoringConfig]) -> list[list[Scores]]:
    """Score all domains of a run's data set; for each scoring, one entry per domain."""
    domains = find_dataset(run.config.dataset, run.config.data_root).domains
    by_domain = [score_each(run.detector, load_domain(run, domain), scorings) for domain in domains]
    return [list(scores) for scores in zip(*by_domain, strict=True)]


def compare(ours: list[Scores], theirs: list[Scores]) -> tuple[str, ...]:
    """Compare the scores of all domains: number, largest difference, share of small ones, largest AUROC difference."""
    pairs = list(zip(ours, theirs, strict=True))
    differences = np.concatenate([np.abs(one.score - other.score) for one, other in pairs])
    aurocs = [abs(auroc(one) - auroc(other)) for one, other in pairs]
    return (
        str(len(differences)),
        f"{differences.max():.1e}",
        f"{np.mean(differences <= SMALL):.0%}",
        f"{max(aurocs):.4f}",
    )


def auroc(scores: Scores) -> float:
    """Return the AUROC of scores."""
    return float(roc_auc_score(scores.label, scores.score))


if __name__ == "__main__":
    main()
