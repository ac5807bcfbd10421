"""Adapt runs to each shifted domain of their data set, so that the app shows the results without computing them.

    python -m benchmarks.adapted_scores RUN... [--corruption gaussian_noise]

With a corruption, also to its five severities and to the in-distribution domain, which Shift lab shows. Writes
adapted.json into each run's folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gnl_core.config import scoring_settings
from gnl_core.datasets import find_dataset
from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES
from gnl_core.runs.adapted_domains import adapt_and_score
from gnl_core.runs.adapted_scores import Entry, TrayChoice, save_adapted
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run
from gnl_core.runs.trays import TRAY_SIZES, is_drawable


def main() -> None:
    """Write the files of all runs named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--corruption", choices=CORRUPTIONS)
    parsed = parser.parse_args()
    for path in parsed.runs:
        folder = RunFolder(path)
        run = load_run(folder)
        images = {
            domain: [item.path for item in list_domain(run.config, domain)]
            for domain in list_targets(run, parsed.corruption)
        }
        save_adapted(folder, list(adapt_to_each(run, images)), images=images)
        print(f"wrote {folder.adapted}", file=sys.stderr, flush=True)


def list_targets(run: Run, corruption: str | None) -> list[str]:
    """List the domains to adapt a run to."""
    spec = find_dataset(run.config.dataset, run.config.data_root)
    usual = spec.in_distribution
    severities = [f"{usual}+{corruption}:{severity}" for severity in SEVERITIES] if corruption else []
    return [*spec.shifted, *([usual] if corruption else []), *severities]


def adapt_to_each(run: Run, domains: Iterable[str]) -> Iterator[Entry]:
    """Adapt to each domain with each tray that it can provide."""
    scoring = scoring_settings(run.config, style_weight=0.0)
    for domain in domains:
        labels = np.array([item.label for item in list_domain(run.config, domain)])
        for known_normal in (False, True):
            for count in TRAY_SIZES:
                if is_drawable(labels, count=count, known_normal=known_normal):
                    choice = TrayChoice(count, known_normal)
                    yield Entry(domain, scoring, choice, adapt_and_score(run, domain, scoring, choice))


if __name__ == "__main__":
    main()
