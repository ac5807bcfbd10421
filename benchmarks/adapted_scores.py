"""Adapt runs to every shifted domain of their data set, so that the app shows the results without computing them.

    python -m benchmarks.adapted_scores RUN...

Writes adapted.json into each run's folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gnl_core.config import scoring_settings
from gnl_core.datasets import find_dataset
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
    for path in parser.parse_args().runs:
        folder = RunFolder(path)
        save_adapted(folder, list(adapt_to_each(load_run(folder))))
        print(f"wrote {folder.adapted}", file=sys.stderr, flush=True)


def adapt_to_each(run: Run) -> Iterator[Entry]:
    """Adapt to each shifted domain with each tray that it can provide."""
    scoring = scoring_settings(run.config, style_weight=0.0)
    for domain in find_dataset(run.config.dataset, run.config.data_root).shifted:
        labels = np.array([item.label for item in list_domain(run.config, domain)])
        for known_normal in (False, True):
            for count in TRAY_SIZES:
                if is_drawable(labels, count=count, known_normal=known_normal):
                    choice = TrayChoice(count, known_normal)
                    yield Entry(domain, scoring, choice, adapt_and_score(run, domain, scoring, choice))


if __name__ == "__main__":
    main()
