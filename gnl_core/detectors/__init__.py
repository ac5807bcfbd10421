"""The table of methods; each has its own module, with its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import cast

import torch
from pydantic.fields import FieldInfo

from gnl_core.config import EVERYWHERE, RunConfig
from gnl_core.config.validation import list_findings
from gnl_core.datasets.region import settle_region
from gnl_core.detectors.base import Detector
from gnl_core.detectors.deep_svdd import DeepSVDD
from gnl_core.detectors.f_anogan import FAnoGAN
from gnl_core.detectors.gnl import GNL
from gnl_core.detectors.kdad import KDAD
from gnl_core.detectors.knn import NearestNeighbours
from gnl_core.detectors.patchcore import PatchCore
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.detectors.rd4ad_jigsaw import RD4ADJigsaw
from gnl_core.detectors.rd4ad_mixing import RD4ADMixing
from gnl_core.distribution_matching import efdm, mixstyle
from gnl_core.messages import quote, shorten

DETECTORS: dict[str, Callable[[RunConfig], Detector]] = {
    "gnl": GNL,
    "rd4ad": RD4AD,
    "rd4ad_augmix": partial(RD4AD, encoded_views=("augmix",)),
    "rd4ad_mixstyle": partial(RD4ADMixing, mixing=mixstyle),
    "rd4ad_efdm": partial(RD4ADMixing, mixing=efdm),
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
        raise ValueError(f"unknown detector {quote(name)}; choose one of: {', '.join(DETECTORS)}")
    row = DETECTORS[name]
    return cast(type[Detector], row.func if isinstance(row, partial) else row)


def method_fields(detectors: Iterable[str]) -> dict[str, FieldInfo]:
    """Collect the settings that belong to any of several methods: name to field."""
    return {
        name: field for method in detectors for name, field in find_method(method).settings_type.model_fields.items()
    }


def complete_config(config: RunConfig) -> RunConfig:
    """Check the settings of a run's method and fill in their defaults.

    Raises:
        ValueError: If there is no such method, a value is invalid, or a setting is not one of the method's; one
            sentence.
    """
    find_method(config.detector)
    refuse_foreign(config.method.model_dump(), [config.detector])
    return keep_own_settings(with_settled_region(config))


def with_settled_region(config: RunConfig) -> RunConfig:
    """Return a run's settings with the text of its region of interest in place of a mask file.

    Raises:
        ValueError: If the region cannot be used; see `settle_own_region`.
    """
    region = settle_own_region(config.region_of_interest, config)
    return config.model_copy(update={"region_of_interest": region})


def settle_own_region(value: str, config: RunConfig) -> str:
    """Turn a region of interest as a user gives it into its text, for a run's images; see `settle_region`.

    Raises:
        ValueError: If it cannot be used, or the method's score does not depend on it.
    """
    if value != EVERYWHERE and not find_method(config.detector).reduces_map:
        raise ValueError(
            f"the score of {config.detector} is not its anomaly map reduced to one number, so a region of interest "
            f"cannot limit it; leave out --region-of-interest, or choose one of: {', '.join(reducing_methods())}"
        )
    return settle_region(value, config.image_size, config.resize)


def reducing_methods() -> list[str]:
    """Return the methods whose score is the anomaly map, reduced."""
    return [name for name in DETECTORS if find_method(name).reduces_map]


def keep_own_settings(config: RunConfig) -> RunConfig:
    """Do the same as `complete_config`, but drop the settings of other methods.

    Files of earlier versions hold the settings of all methods, and the runs of a comparison share theirs.

    Raises:
        ValueError: If there is no such method, a value is invalid, or a setting is not one of any method's; one
            sentence.
    """
    method = find_method(config.detector)
    refuse_foreign(config.method.model_dump(), DETECTORS)
    return config.model_copy(update={"method": config.method_settings(method.settings_type)})


def refuse_foreign(given: Mapping[str, object], detectors: Iterable[str]) -> None:
    """Refuse settings that belong to none of several methods.

    Raises:
        ValueError: If there is one; says which methods have it.
    """
    own = method_fields(detectors)
    foreign = [
        f"{shorten(name)} = {quote(value)}: {describe_owners(name)}" for name, value in given.items() if name not in own
    ]
    if foreign:
        raise ValueError(list_findings(foreign))


def describe_owners(name: str) -> str:
    """Say which methods have a setting of this name, and what to do about one that the run's method lacks."""
    owners = [method for method in DETECTORS if name in method_fields([method])]
    if owners:
        return f"this is a setting of {', '.join(owners)}; leave it out, or choose such a detector"
    return "there is no such setting; gnl train --help lists the common ones, and with --detector NAME those of NAME"


def create_detector(config: RunConfig) -> Detector:
    """Build a run's method, with weights drawn from the run's seed.

    Raises:
        ValueError: If there is no such method, its settings are invalid, or its teacher is unavailable.
    """
    complete = keep_own_settings(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return DETECTORS[config.detector](complete)
