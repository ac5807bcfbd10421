"""Save what a training shows of a few images over its epochs, so that Learn shows it at once.

    python -m benchmarks.snapshots RUN --epochs 0 1 2 5 10 --output FILE

The run keeps its epochs (gnl train --keep-epochs); epoch 0 is its detector before training.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gnl_core.runs.folder import RunFolder
from gnl_core.runs.snapshot_taking import keep_untrained, take_snapshots
from gnl_core.runs.snapshots import save_snapshots


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--epochs", nargs="+", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parsed = parser.parse_args()
    folder = RunFolder(parsed.run)
    keep_untrained(folder)
    save_snapshots(parsed.output, take_snapshots(folder, sorted(set(parsed.epochs))))
    print(f"wrote {parsed.output}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
