"""Compare the paper's scoring settings, those that gnl tune chose without labels, and the best in hindsight.

    python -m benchmarks.presets PRESET RUN [RUN ...] [--domain NAME ...]

Scores every run in every domain of its data set under all scoring settings that gnl tune tries. The best in hindsight
is chosen for each run and domain by its test labels: an upper bound, not a method. Prints a Markdown table, and how
often the preset is within a point of the upper bound.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from gnl_core.config import ScoringConfig, parse_scoring
from gnl_core.datasets import find_dataset
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_domain, load_run, resolve_scoring
from gnl_core.runs.tuning import matchings, read_preset, score_aurocs, with_reductions

CLOSE_POINTS = 1.0


class Row(NamedTuple):
    """AUROC in percent of one domain of one run."""

    run: str
    domain: str
    unmatched: float
    paper: float
    preset: float
    hindsight: float


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", type=Path)
    parser.add_argument("run", type=Path, nargs="+")
    parser.add_argument("--domain", nargs="+")
    parser.add_argument("--data-root", type=Path)
    parsed = parser.parse_args()
    preset, rows = read_preset(parsed.preset), []
    for path in parsed.run:
        run = load_run(RunFolder(path), data_root=parsed.data_root)
        domains = parsed.domain or find_dataset(run.config.dataset, run.config.data_root).domains
        rows += [measure(run, path.name, domain, preset) for domain in tqdm(domains, desc=path.name)]
    print("| run | domain | no matching | paper | preset | best in hindsight |\n| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row.run} | {row.domain} | " + " | ".join(f"{value:.1f}" for value in row[2:]) + " |")
    close = sum(row.hindsight - row.preset <= CLOSE_POINTS for row in rows)
    print(
        f"\nThe preset is within {CLOSE_POINTS:g} point of hindsight in {close} of {len(rows)} pairs of run and domain."
    )


def measure(run: Run, name: str, domain: str, preset: ScoringConfig) -> Row:
    """Measure one domain under all settings; the paper's are the run's own, with the published code's strength."""
    batches = load_domain(run, domain)
    paper = resolve_scoring(run, style_weight=0.5)
    scorings = with_reductions([*matchings(), paper, preset])
    aurocs = score_aurocs(run, batches, scorings)
    by_setting = {scoring.model_dump_json(): 100 * value for scoring, value in zip(scorings, aurocs, strict=True)}
    unmatched = parse_scoring({"style_weight": 0.0})
    chosen = (by_setting[scoring.model_dump_json()] for scoring in (unmatched, paper, preset))
    return Row(name, domain, *chosen, hindsight=max(by_setting.values()))


if __name__ == "__main__":
    main()
