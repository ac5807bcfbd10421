"""What needs the detector itself, and so PyTorch: import it only where the page has shown what it can without."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Mask
from gnl_core.records import Scores
from gnl_core.runs.experiment import Run, list_domain, load_run, score_domain, scoring_batches
from gnl_core.runs.folder import RunFolder
from gnl_core.scoring import detect

HASHED: dict[str | type, Any] = {ScoringConfig: ScoringConfig.model_dump_json}


class Tile(NamedTuple):
    """One image and its anomaly map.

    Attributes:
        image: RGB at native size, shape (H, W, 3).
        anomaly_map: At the detector's image size, shape (H', W'), or None for a method without maps.
        mask: Anomalous pixels at native size, shape (H, W), or None where none are marked.
    """

    image: NDArray[np.uint8]
    anomaly_map: NDArray[np.float32] | None
    mask: Mask | None


@st.cache_resource(max_entries=4, show_spinner=False)
def shared_run(weights: Path, sha256: str) -> Run:
    """A checkpoint's detector, one for all sessions; nothing ever changes it."""
    return load_run(RunFolder(weights.parent))


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=HASHED)
def computed_scores(weights: Path, sha256: str, *, domain: str, scoring: ScoringConfig) -> Scores:
    """Score a domain now."""
    return score_domain(shared_run(weights, sha256), domain, scoring)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def tiles(weights: Path, sha256: str, *, domain: str, scoring: ScoringConfig, paths: tuple[str, ...]) -> list[Tile]:
    """Images of one domain by their paths, with their maps."""
    run = shared_run(weights, sha256)
    by_path = {item.path: item for item in list_domain(run.config, domain)}
    items = [by_path[path] for path in paths]
    batches = scoring_batches(items, run.config)
    maps = [
        None if detection.anomaly_map is None else detection.anomaly_map[row, 0].numpy()
        for batch, detection in detect(run.detector, batches, scoring)
        for row in range(len(batch.paths))
    ]
    return [
        Tile(item.read(), anomaly_map, item.mask() if item.mask else None)
        for item, anomaly_map in zip(items, maps, strict=True)
    ]
