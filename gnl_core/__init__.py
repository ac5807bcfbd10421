"""Image anomaly detection under distribution shift: GNL and its baselines.

The names below are the public interface, documented in `gnl_core.api`. They are imported on first use, so that
`import gnl_core` itself is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnl_core.api import (
        DATASETS,
        DETECTORS,
        TEACHERS,
        Report,
        Run,
        RunConfig,
        ScoringConfig,
        adapt,
        compare,
        images,
        load,
        map_scale,
        score,
        score_image,
        show_histograms,
        show_map,
        train,
    )

__all__ = [
    "DATASETS",
    "DETECTORS",
    "TEACHERS",
    "Report",
    "Run",
    "RunConfig",
    "ScoringConfig",
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


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("gnl_core.api"), name)


def __dir__() -> list[str]:
    """List the public names, including those not yet imported."""
    return sorted({*globals(), *__all__})
