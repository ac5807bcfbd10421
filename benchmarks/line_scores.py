"""Score the example line with runs, so that the page Follow shows it without computing anything.

    python -m benchmarks.line_scores RUN...

Writes line.json into each run's folder.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from gnl_core.datasets.parts.line import line_items
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.followed import FollowSettings
from gnl_core.runs.following import fix_threshold, measure_line
from gnl_core.runs.line_scores import save_line
from gnl_core.runs.scoring import load_run, resolve_scoring, scoring_batches
from gnl_core.scoring import score

BLOCK: int = FollowSettings.model_fields["block"].default


def main() -> None:
    """Write the files of all runs named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    items = line_items()
    for path in parser.parse_args().runs:
        folder = RunFolder(path)
        started = time.perf_counter()
        run = load_run(folder)
        scoring = resolve_scoring(run)
        fixed = fix_threshold(run, scoring, quantile=run.config.threshold_quantile)
        scores = score(run.detector, scoring_batches(items, run.config), scoring)
        save_line(folder, measure_line(run, items, scores, fixed=fixed, block=BLOCK), run.config)
        print(f"wrote {folder.line} in {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
