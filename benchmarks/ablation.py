"""Measure the effect of each matching and scoring setting on AUROC, changed one at a time on trained runs.

    python -m benchmarks.ablation RUN [RUN ...] [--style-weight A] [--domain NAME ...]

The runs share method and class and differ in their seed; all other scoring settings are the run's own. Prints a
Markdown table of AUROC in percent; for several runs, the mean ± the standard deviation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.datasets import find_dataset
from gnl_core.metrics.image import auroc
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_domain, load_run
from gnl_core.scoring import score_each

CODE_SIGMA = 4 / 256  # the published code's smoothing, as a share of the image's height


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="+")
    parser.add_argument("--style-weight", type=float, default=1.0)
    parser.add_argument("--domain", nargs="+")
    parser.add_argument("--data-root", type=Path)
    parsed = parser.parse_args()
    runs = [load_run(RunFolder(path), data_root=parsed.data_root) for path in parsed.run]
    domains = parsed.domain or find_dataset(runs[0].config.dataset, runs[0].config.data_root).domains
    tables = np.array([[measure(run, domain, parsed.style_weight) for domain in tqdm(domains)] for run in runs])
    print("| setting | " + " | ".join(domains) + " |\n| --- |" + " ---: |" * len(domains))
    for index, name in enumerate(changes(parsed.style_weight, height_px=1)):
        print(f"| {name} | " + " | ".join(describe(column) for column in tables[:, :, index].T) + " |")


def changes(style_weight: float, *, height_px: int) -> dict[str, dict[str, object]]:
    """Map the name of each row of the table to the settings that differ from the run's own."""
    matched = {"style_weight": style_weight}
    strengths = {f"α = {value:g}": {"style_weight": value} for value in (0.0, 0.25, 0.5, 0.75, 1.0)}
    return strengths | {
        f"α = {style_weight:g}, {name}": matched | changed
        for name, changed in {
            "stage 1": {"matched_stages": "1"},
            "stages 1-3": {"matched_stages": "1,2,3"},
            "one reference": {"reference_count": 1},
            "nearest of 8 references": {"reference_choice": "nearest"},
            "smoothed": {"smoothing_sigma_px": CODE_SIGMA * height_px},
            "mean of the top 10 %": {"reduction": "top"},
            "mean of the map": {"reduction": "mean"},
        }.items()
    }


def measure(run: Run, domain: str, style_weight: float) -> list[float]:
    """Compute the AUROC of one domain in percent under each row's settings."""
    height_px, _ = run.config.image_size
    rows = changes(style_weight, height_px=height_px).values()
    scorings: list[ScoringConfig] = [scoring_settings(run.config, **settings) for settings in rows]
    values = [
        auroc(scores.label, scores.score) for scores in score_each(run.detector, load_domain(run, domain), scorings)
    ]
    return [float("nan") if value is None else 100 * value for value in values]


def describe(values: NDArray[np.float64]) -> str:
    """Format the mean over runs, with the standard deviation if there are several."""
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


if __name__ == "__main__":
    main()
