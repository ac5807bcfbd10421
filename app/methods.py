"""Facts about the methods, without PyTorch, which takes seconds to import."""

from __future__ import annotations

from gnl_core.comparison.tray_text import use_text
from gnl_core.names import DETECTOR_NAMES
from gnl_core.runs.trays import TrayUse

DEFAULT_METHODS = ("rd4ad", "gnl")
MATCHED_BY_DEFAULT = ("gnl",)
OWN_STRENGTHS = {"gnl": 0.5}  # of matching, as the paper's authors set it; the other methods do not include matching
WITHOUT_TEACHER = ("f_anogan", "deep_svdd")  # they have no features to match
REVERSE_DISTILLATION = ("rd4ad", "gnl", "rd4ad_augmix", "rd4ad_mixstyle", "rd4ad_efdm", "rd4ad_jigsaw")
WITHOUT_MAPS = ("deep_svdd", "knn")  # they give scores only
YARDSTICKS = ("knn", "patchcore")  # they train nothing


def method_title(detector: str, style_weight: float | None, use: TrayUse | None = None) -> str:
    """Return a method's name, with the strength of matching if it is on and what is done with a few images, if any."""
    name = DETECTOR_NAMES.get(detector, detector)
    matched = f"{name} + FDM {style_weight:g}" if style_weight else name
    return matched if use is None else f"{matched}, {use_text(use)}"


def in_order(detectors: list[str]) -> tuple[str, ...]:
    """Sort methods in display order."""
    return tuple(name for name in DETECTOR_NAMES if name in detectors)
