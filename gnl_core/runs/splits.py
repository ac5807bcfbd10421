"""The split of training and test images that a run was trained with: kept, and compared with the images at hand."""

from __future__ import annotations

import warnings

from gnl_core.config import RunConfig
from gnl_core.datasets import default_root, find_dataset
from gnl_core.runs.domains import HELD_OUT, TRAIN
from gnl_core.runs.folder import RunFolder, write_config


def take_up_split(config: RunConfig, folder: RunFolder, *, write: bool) -> RunConfig:
    """The settings with the split of the data set at hand, which the run's settings on disk then say as well."""
    noted = note_split(config)
    if noted == config:
        return config
    if folder.state.exists():
        warn_of_split(noted)
    if write:
        write_config(folder, noted)
    return noted


def note_split(config: RunConfig) -> RunConfig:
    """The settings with the split of the data set at hand, where that depends on what is there.

    Raises:
        ValueError: If they name another one: images that were trained on would count as test images.
    """
    found = find_split(config)
    if found is not None and config.split_source not in (None, found):
        raise ValueError(
            f"this run splits training and test images by {config.split_source}, but the {config.dataset} images here "
            f"are split by {found}; restore the split lists or the images, or train another run"
        )
    return config if found is None else config.model_copy(update={"split_source": found})


def find_split(config: RunConfig) -> str | None:
    """How the data set at hand tells training from test images; None where that never depends on what is there.

    Raises:
        ValueError: If the data set is unknown, or not there.
    """
    spec = find_dataset(config.dataset, config.data_root)
    return spec.split(config.data_root or default_root()) if spec.split else None


def check_split(config: RunConfig, domain: str) -> None:
    """Refuse a domain that the split decides on, if the run was trained by another; warn if nobody knows by which."""
    spec = find_dataset(config.dataset, config.data_root)
    if domain not in (TRAIN, HELD_OUT, spec.in_distribution) or spec.split is None:
        return
    noted = note_split(config)
    if config.split_source is None:
        warn_of_split(noted)


def warn_of_split(noted: RunConfig) -> None:
    """Say what is taken for the split of a run that does not say its own, as older runs do not."""
    warnings.warn(
        f"this run does not say how its training and test images were split; they are split by {noted.split_source} "
        "now. If it was trained with another split, some of the test images were trained on",
        stacklevel=3,
    )
