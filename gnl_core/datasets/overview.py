"""Summarise a data set on this machine quickly: number of images, skipped files and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets import default_root, find_dataset, list_items, list_train_items
from gnl_core.datasets.accounting import (
    SkippedFile,
    find_skipped_files,
    image_files,
    list_sources,
    read_lists,
    shown_path,
)
from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.duplicates import find_twins
from gnl_core.datasets.presence import find_train_items
from gnl_core.datasets.shifts import base_domains


class Overview(NamedTuple):
    """A summary of a data set as a run uses it.

    Attributes:
        training: Number of normal training images.
        sources: Sources of these images, relative to the data root.
        split: How training and test images are separated, if it depends on the files present; else "".
        passed_over: Files among the images that are not read.
        equal: Domain to the number of its images that equal a training image; missing domains are left out, and
            generated data sets have none.
    """

    training: int
    sources: list[str]
    split: str
    passed_over: list[SkippedFile]
    equal: dict[str, int]


def look_over(name: str, *, normal_class: str, root: Path | None, split: Split = USUAL_SPLIT) -> Overview:
    """Summarise a data set by names and sizes and, for files of equal size, a few bytes, without decoding images.

    Args:
        name: A data set's name.
        normal_class: The class that is normal.
        root: The data root; None for $GNL_DATA.
        split: How the data set "folder" is divided if it has no training folder.

    Raises:
        ValueError: If there are no training images.
    """
    root = root or default_root()
    spec = find_dataset(name, root)
    training = list_train_items(name, normal_class=normal_class, root=root, split=split)
    if not spec.how_to_get or root is None:
        return Overview(len(training), [], "", [], {})
    test = list_each(name, base_domains(spec), normal_class=normal_class, root=root, split=split)
    others = list_others(name, spec, normal_class=normal_class, root=root) if image_files(training) else []
    everything = [*training, *others]
    everything += [item for items in test.values() for item in items]
    return Overview(
        training=len(training),
        sources=list_sources(training, root),
        split=spec.split(root) if spec.split else "",
        passed_over=find_skipped_files(everything, lists=read_lists(spec, root)),
        equal=count_equal(training, test),
    )


def list_each(
    name: str, domains: Iterable[str], *, normal_class: str, root: Path, split: Split = USUAL_SPLIT
) -> dict[str, list[Item]]:
    """List the images of each domain that exists."""
    listed = {}
    for domain in domains:
        try:
            listed[domain] = list_items(name, normal_class=normal_class, domain=domain, root=root, split=split)
        except ValueError:  # its absence is reported when it is used
            continue
    return listed


def list_others(name: str, spec: DatasetSpec, *, normal_class: str, root: Path) -> list[Item]:
    """List the training images of all other classes among the same images."""
    if spec.anomalies == "defects":
        return []
    others = [other for other in spec.classes if other != normal_class]
    return [item for other in others for item in find_train_items(name, normal_class=other, root=root) or []]


def count_equal(training: Sequence[Item], test: dict[str, list[Item]]) -> dict[str, int]:
    """Count the images of each domain that equal a training image; empty if files cannot be opened."""
    everything = [item for items in test.values() for item in items]
    try:
        equal = Counter(item.domain for item, _ in find_twins(training, everything))
    except (OSError, ValueError):  # reported when the image is read
        return {}
    return {domain: equal[domain] for domain in test}


def describe_overview(overview: Overview, root: Path | None) -> str:
    """Describe an overview in one line."""
    place = f" from {', '.join(overview.sources)}" if overview.sources else ""
    split = f" ({overview.split})" if overview.split else ""
    return "; ".join([f"{count_noun(overview.training, 'image')}{place}{split}", *warn_of(overview, root)])


def warn_of(overview: Overview, root: Path | None) -> list[str]:
    """Describe skipped files and test images that equal training images, if there are any."""
    warnings = []
    if overview.passed_over:
        first = overview.passed_over[0]
        shown = shown_path(first.file, root or Path())
        warnings.append(f"skipped {count_noun(len(overview.passed_over), 'file')}, first: {shown} ({first.reason})")
    equal = sum(overview.equal.values())
    if equal:
        verb = "equals" if equal == 1 else "equal"
        warnings.append(f"{count_noun(equal, 'test image')} {verb} a training image")
    return warnings


def count_noun(number: int, noun: str) -> str:
    """Format a number with its noun: "1 image", "1,200 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
