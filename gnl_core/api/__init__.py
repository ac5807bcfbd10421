"""The public interface, `import gnl_core as gnl`: train, adapt, score and compare detectors, and show results.

Settings are keyword arguments with the names and defaults of `RunConfig`, `ScoringConfig` and the method's own record.
Bad input is a `ValueError` of one sentence.
"""

from __future__ import annotations

from gnl_core.api.adapting import adapt
from gnl_core.api.comparing import compare
from gnl_core.api.figures import show_histograms
from gnl_core.api.results import AdaptationResult, ComparisonResult, Report, ScoringResult
from gnl_core.api.runs import images, load, train
from gnl_core.api.scoring import score
from gnl_core.api.single_images import map_scale, score_image, show_map
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import DATASETS
from gnl_core.detectors import DETECTORS
from gnl_core.models.teachers import TEACHERS
from gnl_core.runs.scoring import Run

__all__ = [
    "DATASETS",
    "DETECTORS",
    "TEACHERS",
    "AdaptationResult",
    "ComparisonResult",
    "Report",
    "Run",
    "RunConfig",
    "ScoringConfig",
    "ScoringResult",
    "adapt",
    "compare",
    "images",
    "load",
    "map_scale",
    "score",
    "score_image",
    "show_histograms",
    "show_map",
    "train",
]
