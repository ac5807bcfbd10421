"""Divide images into training and test by groups: the images of a group are all on one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from gnl_core.config.data import Split
from gnl_core.datasets.base import Item

MixedGroups = Literal["test", "divide"]


class Sides(NamedTuple):
    """The result of a split: positions of images.

    Attributes:
        training: Images to train on, all of them normal or unlabelled.
        test: Images to score.
        left_out: Images that could only be for testing, of groups that are for training.
    """

    training: list[int]
    test: list[int]
    left_out: list[int]


def divide_groups(
    items: Sequence[Item], groups: Sequence[str], split: Split, *, in_distribution: str, mixed: MixedGroups
) -> Sides:
    """Divide images by groups. Normal and unlabelled images of the in-distribution domain can be for training.

    Groups are drawn for testing, in an order that depends on their names and the seed alone, until they have about the
    split's percentage of the images that can be for training. At least one group is on each side.

    Args:
        items: The images.
        groups: The group of each image.
        split: Seed and percentage.
        in_distribution: The domain to train on; images of others are for testing.
        mixed: What becomes of groups that also have images that can only be for testing: "test" puts them on the test
            side; "divide" draws them like the others, and leaves these images out if the group is for training.

    Raises:
        ValueError: If no group is left for training, or for testing.
    """
    can_train = [item.label != 1 and item.domain == in_distribution for item in items]
    sizes = Counter(group for group, can in zip(groups, can_train, strict=True) if can)
    held = {group for group, can in zip(groups, can_train, strict=True) if not can} & sizes.keys()
    fixed = held if mixed == "test" else set()
    check_candidates(sizes, fixed)
    wanted = sizes.total() * split.test_percent / 100 - sum(sizes[group] for group in fixed)
    free = {group: size for group, size in sizes.items() if group not in fixed}
    training = free.keys() - draw_groups(free, wanted=wanted, seed=split.seed, at_least_one=not fixed)
    return Sides(
        [n for n, group in enumerate(groups) if group in training and can_train[n]],
        [n for n, group in enumerate(groups) if group not in training],
        [n for n, group in enumerate(groups) if group in training and not can_train[n]],
    )


def check_candidates(sizes: Mapping[str, int], fixed: Collection[str]) -> None:
    """Check that there can be a group on each side."""
    if len(sizes) < 2:
        raise ValueError(
            f"the images that can be for training are in {len(sizes)} group{'s'[: len(sizes) != 1]}, but a split needs "
            "two; choose other groups"
        )
    if len(fixed) == len(sizes):
        raise ValueError(
            f"each of the {len(sizes):,} groups with normal images also has images that can only be for testing "
            "(anomalous, or of another domain), so none is left for training; choose smaller groups, or pass "
            "--mixed-groups divide"
        )


def draw_groups(sizes: Mapping[str, int], *, wanted: float, seed: int, at_least_one: bool) -> set[str]:
    """Draw groups for testing, but not all.

    Args:
        sizes: The number of images of each group.
        wanted: The number of images to draw, about.
        seed: Seed of the order.
        at_least_one: Whether to draw the smallest group if every group is too large.

    Returns:
        The groups; with each, the number of images comes no farther from the wanted one.
    """
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    drawn: set[str] = set()
    count = 0
    for group in order[:-1]:
        if count + sizes[group] / 2 <= wanted:
            drawn.add(group)
            count += sizes[group]
    return drawn or ({min(order, key=lambda group: sizes[group])} if at_least_one else set())
