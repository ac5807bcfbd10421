"""Which settings two runs may differ in and still be the same training."""

from __future__ import annotations

from collections.abc import Iterator

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors import find_method

FREE_SETTINGS = {  # those that may differ from what a cell was trained with: questions, places, speed
    *ScoringConfig.model_fields,
    "data_root",
    "device",
    "feature_cache_mb",
    "feature_spill_mb",
    "image_cache_mb",
    "keep_epochs",
    "save_minutes",
    "teacher_sha256",
    "teacher_weights",
    "threshold_quantile",
    "workers",
}


def differing_settings(before: RunConfig, now: RunConfig) -> Iterator[tuple[str, object, object]]:
    """Name and both values of each setting that decides what is learnt and is not the same in two runs.

    A split that one of them leaves open is no difference: `note_split` compares it with the images at hand.
    """
    open_split = {"split_source"} if None in (before.split_source, now.split_source) else set()
    for name in (name for name in RunConfig.model_fields if name not in FREE_SETTINGS | open_split):
        if settled(before, name) != settled(now, name):
            yield name, settled(before, name), settled(now, name)


def settled(config: RunConfig, name: str) -> object:
    """A setting as a training takes it: a learning rate that is left open is the method's own."""
    if name == "learning_rate" and config.learning_rate is None:
        return find_method(config.detector).learning_rate
    return getattr(config, name)
