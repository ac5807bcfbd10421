"""Results as files for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.datasets import HELD_OUT
from gnl_core.export import export_onnx
from gnl_core.metrics import choose_threshold
from gnl_core.plots.maps import colour_map
from gnl_core.records import Scores
from gnl_core.runs.checkpoints import teacher_fingerprint
from gnl_core.runs.experiment import Run
from gnl_core.runs.folder import RunFolder, find_scores, hash_file, write_atomically


def write_csv(path: Path, scores: Scores) -> None:
    """Write one row an image; the file's folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(vars(scores)).to_csv(path, index=False)


def write_map(path: Path, anomaly_map: NDArray[np.float32], *, upper: float) -> None:
    """Write an anomaly map as a coloured picture; its folder is made.

    Args:
        path: The file, with Pillow's ending for the format.
        anomaly_map: Shape (H, W).
        upper: The value of the brightest colour; 0 is the darkest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(colour_map(anomaly_map, upper=upper)).save(path)


def write_onnx(path: Path, run: Run, folder: RunFolder, scoring: ScoringConfig) -> None:
    """Write a run's detector as an ONNX file, to a temporary name first; its folder is made.

    Args:
        path: The file; an older one is replaced.
        run: What is written; see `gnl_core.export`.
        folder: Where it was loaded from.
        scoring: How it looks at images, with nothing left open.

    Raises:
        ValueError: If the run cannot be exported; says why.
    """
    content = export_onnx(
        run.detector,
        scoring,
        name=run.config.detector,
        image_size=run.config.image_size,
        facts=describe_run(run, folder, scoring),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def describe_run(run: Run, folder: RunFolder, scoring: ScoringConfig) -> dict[str, str]:
    """What an exported file says of itself: what it was made of, how it scores, and the threshold for that.

    The threshold is the run's own quantile of its held-out images' scores, and left out where `gnl score` has not
    been asked for them in just this way.
    """
    config = run.config
    facts: dict[str, object] = {name: getattr(config, name) for name in ("detector", "dataset", "normal_class")}
    if teacher_fingerprint(run.detector) is not None:
        facts["teacher"] = config.teacher
    facts |= {"image_size": "x".join(map(str, config.image_size)), "checkpoint_sha256": hash_file(folder.weights)}
    facts |= scoring.model_dump()
    held_out = find_scores(folder, domain=HELD_OUT, scoring=scoring)
    if held_out is not None:
        facts["threshold"] = choose_threshold(held_out, quantile=config.threshold_quantile).value
    return {name: str(value) for name, value in facts.items()}
