"""The table of methods; each has its own module."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import torch

from gnl_core.config import RunConfig
from gnl_core.detectors.base import Detector
from gnl_core.detectors.deep_svdd import DeepSVDD
from gnl_core.detectors.f_anogan import FAnoGAN
from gnl_core.detectors.gnl import GNL
from gnl_core.detectors.kdad import KDAD
from gnl_core.detectors.knn import NearestNeighbours
from gnl_core.detectors.patchcore import PatchCore
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.detectors.rd4ad_jigsaw import RD4ADJigsaw
from gnl_core.distribution_matching import efdm, mixstyle

DETECTORS: dict[str, Callable[[RunConfig], Detector]] = {
    "gnl": GNL,
    "rd4ad": RD4AD,
    "rd4ad_augmix": partial(RD4AD, encoded_views=("augmix",)),
    "rd4ad_mixstyle": partial(RD4AD, mixing=mixstyle),
    "rd4ad_efdm": partial(RD4AD, mixing=efdm),
    "rd4ad_jigsaw": RD4ADJigsaw,
    "kdad": KDAD,
    "f_anogan": FAnoGAN,
    "deep_svdd": DeepSVDD,
    "knn": NearestNeighbours,
    "patchcore": PatchCore,
}


def find_method(name: str) -> type[Detector]:
    """Return the class of a method, whose attributes describe it without building it.

    Raises:
        ValueError: If there is no such method.
    """
    if name not in DETECTORS:
        raise ValueError(f"unknown detector {name!r}; choose one of: {', '.join(DETECTORS)}")
    row = DETECTORS[name]
    return cast(type[Detector], row.func if isinstance(row, partial) else row)


def create_detector(config: RunConfig) -> Detector:
    """Build a run's method, with weights drawn from the run's seed.

    Raises:
        ValueError: If there is no such method, or its teacher is unavailable.
    """
    find_method(config.detector)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return DETECTORS[config.detector](config)
