"""Measure how far scores between strengths of matching are from interpolated ones.

    python -m benchmarks.between_strengths

Reads the saved scores of the bundled runs. The scores at 0.25 and 0.75 are compared with the parabola through those at
0, 0.5 and 1 of the same image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gnl_core.config import scoring_settings
from gnl_core.datasets import DATASETS
from gnl_core.files import hash_file
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.scores import read_saved_scores, select_scores

BUNDLED = Path(__file__).parents[1] / "assets" / "checkpoints"
KNOWN, BETWEEN = (0.0, 0.5, 1.0), (0.25, 0.75)


def main() -> None:
    """Print a row for each bundled run with scores at all of these strengths."""
    print("| run | scores | difference, median | 99th percentile | largest | standard deviation of the scores |")
    print("|---|---:|---:|---:|---:|---:|")
    for path in sorted(BUNDLED.iterdir()):
        by_strength = scores_by_strength(RunFolder(path))
        if by_strength is not None:
            known = np.stack([by_strength[strength] for strength in KNOWN])
            parabolas = np.polynomial.polynomial.polyfit(KNOWN, known, deg=2)
            guesses = np.polynomial.polynomial.polyval(BETWEEN, parabolas)
            wrong = np.abs(guesses - np.stack([by_strength[strength] for strength in BETWEEN], axis=1))
            middle, high = np.quantile(wrong, (0.5, 0.99))
            cells = f"{wrong.size} | {middle:.4f} | {high:.4f} | {wrong.max():.4f} | {known[0].std():.2f}"
            print(f"| `{path.name}` | {cells} |")


def scores_by_strength(folder: RunFolder) -> dict[float, NDArray[np.float64]] | None:
    """Return the saved scores of all domains of a run at each strength; None if some are missing."""
    config = read_config(folder)
    rows = read_saved_scores(folder, hash_file(folder.weights)) if folder.scores.exists() else None
    if rows is None:
        return None
    joined = {}
    for strength in (*KNOWN, *BETWEEN):
        scoring = scoring_settings(config, style_weight=strength)
        parts = [select_scores(rows, domain=domain, scoring=scoring) for domain in DATASETS[config.dataset].domains]
        if any(part is None for part in parts):
            return None
        joined[strength] = np.concatenate([part.score for part in parts if part is not None])
    return joined


if __name__ == "__main__":
    main()
