"""The images of a run: for training, held out, and for scoring."""

from __future__ import annotations

import warnings

import numpy as np

from gnl_core.config import RunConfig
from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.checking import leave_out_broken
from gnl_core.datasets.shifts import shift_items, split_domain
from gnl_core.runs.domains import HELD_OUT, TRAIN, check_domain
from gnl_core.runs.splits import check_split


def split_training(config: RunConfig) -> tuple[list[Item], list[Item]]:
    """Split the normal training images by the run's seed into those it trains on and those it holds out.

    Raises:
        ValueError: If the data set or the class is unknown, or its files are missing.
    """
    items = list_train_items(
        config.dataset, normal_class=config.normal_class, root=config.data_root, split=config.split
    )
    count = round(len(items) * config.holdout_percent / 100)
    held_out = set(np.random.default_rng(config.seed).permutation(len(items))[:count].tolist())
    learnt = [item for position, item in enumerate(items) if position not in held_out]
    return learnt[: config.limit], [items[position] for position in sorted(held_out)]


def readable_items(config: RunConfig, items: list[Item]) -> list[Item]:
    """Leave out unreadable training images, with a warning, if the run has `skip_broken` set.

    Raises:
        ValueError: If no image can be read.
    """
    if not config.skip_broken:
        return items
    readable, problems = leave_out_broken(items, workers=config.workers)
    if problems:
        warnings.warn(
            f"left out {len(problems)} of {len(items)} training images that cannot be read; the first: {problems[0]}",
            stacklevel=2,
        )
    return readable


def list_domain(config: RunConfig, domain: str) -> list[Item]:
    """List a run's images of one domain; "train" are those it trains on, "held_out" those it holds out.

    Raises:
        ValueError: If the data set has no such domain or is split differently than in training, or the run holds out
            no images.
    """
    base, shift = split_domain(domain)
    check_domain(find_dataset(config.dataset, config.data_root, split=config.split), base)
    check_split(config, base)
    if base not in (TRAIN, HELD_OUT):
        return list_items(
            config.dataset,
            normal_class=config.normal_class,
            domain=domain,
            root=config.data_root,
            split=config.split,
        )
    learnt, held_out = split_training(config)
    items = [item._replace(domain=base) for item in readable_items(config, learnt if base == TRAIN else held_out)]
    if not items:
        raise ValueError("this run holds out no training images; train one with a larger --holdout-percent")
    return shift_items(items, shift) if shift else items
