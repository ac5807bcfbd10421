"""Compare the settings of two runs: those that affect training must be equal."""

from __future__ import annotations

from collections.abc import Iterator

from gnl_core.config import COMMON_SETTINGS, RunConfig, ScoringConfig
from gnl_core.detectors import find_method, keep_own_settings

FREE_SETTINGS = {  # may differ from a run's training: scoring, paths, speed
    *ScoringConfig.model_fields,
    "data_root",
    "device",
    "engine",
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
    """List the settings that affect training and differ between two runs.

    An unset split does not count as a difference: `resolve_split` compares it with the images on disk.

    Yields:
        Name and both values of each such setting.
    """
    open_split = {"split_source"} if None in (before.split_source, now.split_source) else set()
    for name in (name for name in COMMON_SETTINGS if name not in FREE_SETTINGS | open_split):
        if effective_setting(before, name) != effective_setting(now, name):
            yield name, effective_setting(before, name), effective_setting(now, name)
    if before.detector == now.detector:
        yield from differing_method_settings(before, now)


def differing_method_settings(before: RunConfig, now: RunConfig) -> Iterator[tuple[str, object, object]]:
    """Name and both values of each setting of the method that is not the same in two runs of it."""
    for (name, old), (_, new) in zip(keep_own_settings(before).method, keep_own_settings(now).method, strict=True):
        if old != new:
            yield name, old, new


def effective_setting(config: RunConfig, name: str) -> object:
    """Return a setting as training uses it: an unset learning rate is the method's default."""
    if name == "learning_rate" and config.learning_rate is None:
        return find_method(config.detector).learning_rate
    return getattr(config, name)
