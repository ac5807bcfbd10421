"""RD4AD and GNL on the bundled digits: every digit, three seeds, two sizes, three strengths of matching.

    python -m benchmarks.digits --output runs/digits [--size 32 64] [--seed 0 1 2]

One run folder a cell; a second call goes on where the first stopped. Prints a Markdown table for each size and domain.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
from pathlib import Path

import pandas as pd

from gnl_core.config import RunConfig, parse_config
from gnl_core.metrics import auroc
from gnl_core.runs.experiment import load_run, resolve_scoring, score_domain, train_run
from gnl_core.runs.folder import RunFolder, create_run, read_records, read_saved_scores, save_scores

DETECTORS = ("rd4ad", "gnl")
STRENGTHS = (0.0, 0.5, 1.0)
DOMAINS = ("digits", "digits_m")
DIGITS = "0123456789"


def main() -> None:
    """Train and score what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parsed = parser.parse_args()
    rows = []
    for size, seed, digit, detector in itertools.product(parsed.size, parsed.seed, DIGITS, DETECTORS):
        config = parse_config(
            {"normal_class": digit, "detector": detector, "seed": seed, "image_size": size, "holdout_percent": 0}
        )
        folder = RunFolder(parsed.output / f"{detector}-{digit}-{size}px-seed{seed}")
        complete_cell(folder, config)
        rows += [{"size": size, "seed": seed, "digit": digit, "detector": detector, **row} for row in measure(folder)]
    for (size, domain), table in pd.DataFrame(rows).groupby(["size", "domain"]):
        print(f"\n{size} px, {domain}\n\n{format_table(table)}")


def complete_cell(folder: RunFolder, config: RunConfig) -> None:
    """Train and score one cell, unless that is done; a cell that was cut off in training starts again."""
    if len(read_records(folder)) < config.epochs:
        shutil.rmtree(folder.path, ignore_errors=True)
        for _ in train_run(config, create_run(folder.path, config)):
            pass
    kept = read_saved_scores(folder)
    if kept is not None and len(kept.groupby(["domain", "style_weight"])) == len(DOMAINS) * len(STRENGTHS):
        return
    run = load_run(folder)
    for domain, strength in itertools.product(DOMAINS, STRENGTHS):
        scoring = resolve_scoring(run, style_weight=strength)
        save_scores(folder, score_domain(run, domain, scoring), scoring)


def measure(folder: RunFolder) -> list[dict[str, object]]:
    """AUROC in percent of each domain and strength of one cell."""
    kept = read_saved_scores(folder)
    assert kept is not None
    return [
        {"domain": domain, "strength": strength, "auroc": 100 * (auroc(group["label"], group["score"]) or 0)}
        for (domain, strength), group in kept.groupby(["domain", "style_weight"])
    ]


def format_table(table: pd.DataFrame) -> str:
    """Each digit's mean over seeds, then the mean over digits with the seeds' standard deviation of it."""
    columns = ["detector", "strength"]
    by_digit = table.pivot_table(index="digit", columns=columns, values="auroc")[list(DETECTORS)]
    by_seed = table.pivot_table(index="seed", columns=columns, values="auroc")[list(DETECTORS)]
    heads = [
        f"{detector.upper()} {'without FDM' if not strength else f'α = {strength:g}'}"
        for detector, strength in by_digit
    ]
    rows = [[str(digit), *(f"{value:.1f}" for value in row)] for digit, row in by_digit.iterrows()]
    means = zip(by_seed.mean(), by_seed.std(), strict=True)
    rows.append(["mean ± sd", *(f"{mean:.1f} ± {sd:.1f}" for mean, sd in means)])
    return "\n".join(f"| {' | '.join(row)} |" for row in (["digit", *heads], ["---"] * (1 + len(heads)), *rows))


if __name__ == "__main__":
    main()
