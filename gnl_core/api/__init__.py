"""The public interface, `import gnl_core as gnl`: train, adapt, score and compare detectors, and show results.

Settings are keyword arguments with the names and defaults of `RunConfig`, `ScoringConfig` and the method's own record.
Bad input is a `ValueError` of one sentence. Names are imported on first use, so that `import gnl_core` itself is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnl_core.api.adapting import adapt as adapt
    from gnl_core.api.comparing import compare as compare
    from gnl_core.api.figures import show_histograms as show_histograms
    from gnl_core.api.results import AdaptationResult as AdaptationResult
    from gnl_core.api.results import ComparisonResult as ComparisonResult
    from gnl_core.api.results import Report as Report
    from gnl_core.api.results import ScoringResult as ScoringResult
    from gnl_core.api.runs import images as images
    from gnl_core.api.runs import load as load
    from gnl_core.api.runs import train as train
    from gnl_core.api.scoring import score as score
    from gnl_core.api.single_images import map_scale as map_scale
    from gnl_core.api.single_images import score_image as score_image
    from gnl_core.api.single_images import show_map as show_map
    from gnl_core.config import RunConfig as RunConfig
    from gnl_core.config import ScoringConfig as ScoringConfig
    from gnl_core.datasets import DATASETS as DATASETS
    from gnl_core.detectors import DETECTORS as DETECTORS
    from gnl_core.models.teachers import TEACHERS as TEACHERS
    from gnl_core.runs.scoring import Run as Run

PLACES = {  # the same for Python: the module of each name
    "adapt": "gnl_core.api.adapting",
    "compare": "gnl_core.api.comparing",
    "show_histograms": "gnl_core.api.figures",
    "AdaptationResult": "gnl_core.api.results",
    "ComparisonResult": "gnl_core.api.results",
    "Report": "gnl_core.api.results",
    "ScoringResult": "gnl_core.api.results",
    "images": "gnl_core.api.runs",
    "load": "gnl_core.api.runs",
    "train": "gnl_core.api.runs",
    "score": "gnl_core.api.scoring",
    "map_scale": "gnl_core.api.single_images",
    "score_image": "gnl_core.api.single_images",
    "show_map": "gnl_core.api.single_images",
    "RunConfig": "gnl_core.config",
    "ScoringConfig": "gnl_core.config",
    "DATASETS": "gnl_core.datasets",
    "DETECTORS": "gnl_core.detectors",
    "TEACHERS": "gnl_core.models.teachers",
    "Run": "gnl_core.runs.scoring",
}
if not TYPE_CHECKING:  # type checkers understand no computed list
    __all__ = list(PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PLACES[name]), name)


def __dir__() -> list[str]:
    """List the public names, including those not yet imported."""
    return sorted({*globals(), *PLACES})
