"""The division of a source into splits, named by its files and folders: train, valid and test."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from gnl_core.datasets.base import Item
from gnl_core.datasets.overview import count_noun
from gnl_core.datasets.sources.contents import NO_NORMAL_TEST, Contents

TRAIN = "train"
SPLITS = {  # the words that name a split, as Roboflow and COCO write them
    TRAIN: ("train", "training"),
    "valid": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
WORD = re.compile("[a-z]+")


def split_of(path: Path) -> str | None:
    """Name the split of a file by the words in its name, or else in that of the nearest folder; None for no split.

    `instances_val2017.json` and `valid/_annotations.coco.json` are both of the split valid.
    """
    for part in reversed(path.parts):
        words = set(WORD.findall(part.casefold()))
        named = [split for split, names in SPLITS.items() if words.intersection(names)]
        if named:
            return named[0] if len(named) == 1 else None
    return None


def keep_splits(
    contents: Contents, items: Mapping[Path, Item], splits: Mapping[Path, Collection[str | None]]
) -> Contents:
    """Divide the images of a source by its own splits, if these can be kept.

    Normal images that are of the training split alone are for training, all others are for testing.

    Args:
        contents: The source, not divided.
        items: Its images by their file.
        splits: The splits of each of them.

    Returns:
        The source: divided; or not, if it has no training split or no others, some of its images are of no split, or
        one of the sides would have no normal image.
    """
    names = {split for image in items for split in splits[image]}
    if TRAIN not in names or names == {TRAIN}:
        return contents
    if None in names:
        return add_note(contents, "some annotation files name a split, others do not, so all images are divided anew")
    of_training = {image for image in items if set(splits[image]) == {TRAIN}}
    training = [item for image, item in items.items() if image in of_training and item.label == 0]
    test = [item for image, item in items.items() if image not in of_training or item.label]
    if not training:
        return add_note(contents, "the training split has no normal image, so all images are divided anew")
    if all(item.label for item in test):
        return add_note(contents, NO_NORMAL_TEST)
    annotated = len(of_training) - len(training)
    return contents._replace(
        images=test, training=training, division_notes=describe_splits([n for n in SPLITS if n in names], annotated)
    )


def add_note(contents: Contents, note: str) -> Contents:
    """Return the contents with another note."""
    return contents._replace(notes=[*contents.notes, note])


def describe_splits(names: list[str], annotated: int) -> list[str]:
    """Describe which splits were kept, and how many images of the training split are for testing."""
    others = [name for name in names if name != TRAIN]
    verb, pronoun = ("is", "it is") if annotated == 1 else ("are", "they are")
    kept = f"kept the splits of the source: {TRAIN} for training, {' and '.join(others)} for testing"
    moved = f"{count_noun(annotated, 'image')} of the training split {verb} annotated, so {pronoun} for testing"
    return [kept, *([moved] if annotated else [])]
