"""The methods, one file each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gnl_core.config import RunConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.deep_svdd import DeepSVDD
from gnl_core.detectors.f_anogan import FAnoGAN
from gnl_core.detectors.gnl import GNL
from gnl_core.detectors.kdad import KDAD
from gnl_core.detectors.rd4ad import RD4AD

DETECTORS: dict[str, Callable[[RunConfig], Detector]] = {
    "gnl": GNL,
    "rd4ad": RD4AD,
    "kdad": KDAD,
    "f_anogan": FAnoGAN,
    "deep_svdd": DeepSVDD,
}


def create_detector(config: RunConfig) -> Detector:
    """Build the method that a run names, its weights drawn from the run's seed.

    Raises:
        ValueError: If there is no such method, or its teacher cannot be had.
    """
    if config.detector not in DETECTORS:
        raise ValueError(f"unknown detector {config.detector!r}; choose one of: {', '.join(DETECTORS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return DETECTORS[config.detector](config)
