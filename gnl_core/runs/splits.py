"""Record the split of training and test images of a run, and compare it with the images on disk."""

from __future__ import annotations

import warnings

from gnl_core.config import RunConfig
from gnl_core.datasets import default_root, find_dataset
from gnl_core.runs.domains import HELD_OUT, TRAIN
from gnl_core.runs.folder import RunFolder, write_config


def record_split(config: RunConfig, folder: RunFolder, *, write: bool) -> RunConfig:
    """Return the settings with the split of the data set on disk; with `write`, also save them to the run's folder."""
    resolved = resolve_split(config)
    if resolved == config:
        return config
    if folder.state.exists():
        warn_of_split(resolved)
    if write:
        write_config(folder, resolved)
    return resolved


def resolve_split(config: RunConfig) -> RunConfig:
    """Return the settings with the split of the data set on disk, where the split depends on the files.

    Raises:
        ValueError: If the settings name another split: training images would count as test images.
    """
    split = find_split(config)
    if split is not None and config.split_source not in (None, split):
        raise ValueError(
            f"this run splits training and test images by {config.split_source}, but the {config.dataset} images here "
            f"are split by {split}; restore the split lists or the images, or train another run"
        )
    return config if split is None else config.model_copy(update={"split_source": split})


def find_split(config: RunConfig) -> str | None:
    """Return the name of the data set's split, or None if the split does not depend on the files.

    Raises:
        ValueError: If the data set is unknown or missing.
    """
    spec = find_dataset(config.dataset, config.data_root)
    return spec.split(config.data_root or default_root()) if spec.split else None


def check_split(config: RunConfig, domain: str) -> None:
    """Check that a domain is split as in the run's training; warn if the run does not record its split.

    Raises:
        ValueError: If it is split differently.
    """
    spec = find_dataset(config.dataset, config.data_root)
    if domain not in (TRAIN, HELD_OUT, spec.in_distribution) or spec.split is None:
        return
    resolved = resolve_split(config)
    if config.split_source is None:
        warn_of_split(resolved)


def warn_of_split(resolved: RunConfig) -> None:
    """Warn which split is assumed for a run that does not record its own, such as an older run."""
    warnings.warn(
        f"this run does not record how its training and test images were split; they are now split by "
        f"{resolved.split_source}. If it was trained with another split, some test images were used in training",
        stacklevel=3,
    )
