"""gnl data check: read a whole data set once, and report skipped, unreadable and duplicate images."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gnl_core.cli.console import show
from gnl_core.cli.data_check_report import Findings, describe, plain_values
from gnl_core.cli.data_root import add_root, given_root
from gnl_core.cli.own_images import say_reading
from gnl_core.cli.parser import Parser
from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.accounting import SkippedFile, find_skipped_files, list_sources, read_lists
from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.checking import Inspection, inspect_item
from gnl_core.datasets.duplicates import BETWEEN_SPLITS, TRAINING, find_copies, find_near
from gnl_core.datasets.overview import count_noun
from gnl_core.datasets.presence import available_classes
from gnl_core.datasets.shifts import base_domains
from gnl_core.strict_json import to_json

LABELS = {0: "normal", 1: "anomalous", -1: "unlabelled"}
BAR_DELAY_SECONDS = 5

Read = tuple[Item, Inspection]  # an image, and what reading it showed


class Listed(NamedTuple):
    """An image of a data set.

    Attributes:
        item: The image.
        normal_class: The class that is normal where the image is listed.
        is_training: Whether it is listed as a training image.
    """

    item: Item
    normal_class: str
    is_training: bool


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data check."""
    parser.add_argument("--dataset", required=True, help="data set to check")
    parser.add_argument("--normal-class", nargs="+", help="classes to check; unset: all available")
    parser.add_argument(
        "--near-copies", action="store_true", help="also look for test images that are nearly equal to a training image"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_root(parser)
    parser.set_defaults(command=check_command)


def check_command(parsed: argparse.Namespace) -> None:
    """Read all images of a data set: gnl data check.

    Raises:
        ValueError: After the output, if there are problems or test images equal training images.
    """
    root = given_root(parsed)
    listed, missing = list_everything(parsed.dataset, parsed.normal_class, root)
    findings = check_dataset(parsed.dataset, listed, missing, root, near_copies=parsed.near_copies)
    if parsed.json:
        print(to_json(plain_values(parsed.dataset, findings, root)))
    else:
        show("\n".join(describe(findings, root)))
    refuse_problems(findings, images=len(listed))
    say_reading(parsed.dataset, root)


def list_everything(name: str, classes: list[str] | None, root: Path | None) -> tuple[list[Listed], list[str]]:
    """List each image of a data set once, for training and all domains, and the reasons why some cannot be listed.

    Raises:
        ValueError: If nothing can be listed.
    """
    spec = find_dataset(name, root)
    listed: list[Listed] = []
    problems: list[str] = []
    chosen = classes or available_classes(name, root) or spec.classes
    parts: list[tuple[bool, Callable[..., list[Item]]]] = [
        (True, list_train_items),
        *((False, partial(list_items, domain=domain)) for domain in base_domains(spec)),
    ]
    for normal_class, (is_training, list_part) in itertools.product(chosen, parts):
        try:
            items = list_part(name, normal_class=normal_class, root=root)
            listed += [Listed(item, normal_class, is_training) for item in items]
        except ValueError as error:  # reported together
            problems.append(str(error))
    if not listed:
        raise ValueError(problems[0])
    once = {(one.is_training, one.item.path): one for one in reversed(listed)}
    return list(once.values())[::-1], list(dict.fromkeys(problems))


def check_dataset(
    name: str, listed: Sequence[Listed], missing: Sequence[str], root: Path | None, *, near_copies: bool
) -> Findings:
    """Read all listed images and collect the findings."""
    spec = find_dataset(name, root)
    items = [one.item for one in listed]
    bar = tqdm(items, unit="image", file=sys.stderr, delay=BAR_DELAY_SECONDS)
    inspected = [inspect_item(item, thumbnails=near_copies) for item in bar]
    pairs = list(zip(listed, inspected, strict=True))
    training = [(one.item, found) for one, found in pairs if found.digest and one.is_training]
    test = [(one.item, found) for one, found in pairs if found.digest and not one.is_training]
    problems = [*missing, *(problem for one in inspected for problem in one.problems)]
    return Findings(
        rows=table(listed, inspected, spec),
        read_from=[] if root is None else list_sources(items, root),
        split=spec.split(root) if spec.split else None,
        problems=list(dict.fromkeys(problems)),
        passed_over=account(name, listed, spec, root),
        copies=find_copies(digests(training), digests(test)),
        near=name_near(training, test) if near_copies else None,
    )


def table(listed: Sequence[Listed], inspected: Sequence[Inspection], spec: DatasetSpec) -> list[tuple[str, ...]]:
    """Build a row per domain and label, or per kind of image if there are several normal classes."""
    several = len({one.normal_class for one in listed}) > 1
    groups: dict[tuple[str, str], list[Read]] = {}
    for one, inspection in zip(listed, inspected, strict=True):
        domain = TRAINING if one.is_training else one.item.domain
        key = (domain, group_of(one, spec, several=several))
        groups.setdefault(key, []).append((one.item, inspection))
    return [(*key, *measure(members)) for key, members in groups.items()]


def group_of(one: Listed, spec: DatasetSpec, *, several: bool) -> str:
    """Return the label of an image; with several normal classes, what its label depends on."""
    if not several:
        return LABELS[one.item.label]
    return one.item.category if spec.anomalies == "objects" else f"{one.normal_class}, {LABELS[one.item.label]}"


def measure(members: Sequence[Read]) -> tuple[str, ...]:
    """Return number, sizes, colours and masks of a group of images."""
    sizes = sorted({one.size for _, one in members if one.size}, key=lambda size: (size[0] * size[1], size))
    ends = dict.fromkeys(f"{height}x{width}" for height, width in (sizes[:1] + sizes[-1:]))
    modes = Counter(one.mode for _, one in members if one.mode)
    colours = ", ".join(modes) if len(modes) < 2 else ", ".join(f"{mode} {count}" for mode, count in modes.items())
    masks = sum(item.mask is not None for item, _ in members)
    return str(len(members)), " - ".join(ends) or "-", colours or "-", str(masks)


def account(name: str, listed: Sequence[Listed], spec: DatasetSpec, root: Path | None) -> list[SkippedFile]:
    """List the skipped files; classes in separate folders are checked one by one."""
    lists = read_lists(spec, root)
    if spec.anomalies == "objects":
        known = {one.normal_class for one in listed}
        others = [other for other in spec.classes if other not in known]
        more = list_everything(name, others, root)[0] if others and found_others(name, others, root) else []
        return find_skipped_files([one.item for one in (*listed, *more)], lists=lists)
    classes = dict.fromkeys(one.normal_class for one in listed)
    of_class = ([one.item for one in listed if one.normal_class == known] for known in classes)
    return [passed for items in of_class for passed in find_skipped_files(items, lists=lists)]


def found_others(name: str, others: Iterable[str], root: Path | None) -> bool:
    """Return whether any of the classes is available."""
    return not set(others).isdisjoint(available_classes(name, root))


def digests(readable: Sequence[Read]) -> list[tuple[Item, bytes]]:
    """Pair images with their digests."""
    return [(item, found.digest) for item, found in readable]


def name_near(training: Sequence[Read], test: Sequence[Read]) -> list[tuple[str, str]]:
    """Return pairs of test image and training image that are nearly, but not exactly, equal."""
    if not training or not test:
        return []
    nearest = find_near(stack_thumbnails(training), stack_thumbnails(test))
    pairs = [(pair, training[position]) for pair, position in zip(test, nearest.tolist(), strict=True) if position >= 0]
    return [(item.path, copy.path) for (item, one), (copy, other) in pairs if one.digest != other.digest]


def stack_thumbnails(readable: Sequence[Read]) -> NDArray[np.float32]:
    """Stack the thumbnails of images, one row per image."""
    return np.stack([one.thumbnail for _, one in readable if one.thumbnail is not None])


def refuse_problems(findings: Findings, *, images: int) -> None:
    """Raise ValueError if the data set has problems or its test images equal training images."""
    count = len(findings.problems)
    equal = sum(one.images for one in findings.copies if one.where == BETWEEN_SPLITS)
    if count:
        raise ValueError(
            f"{count_noun(count, 'problem')} in {count_noun(images, 'image')}; repair or remove the files named above"
        )
    if equal:
        verb = "equals" if equal == 1 else "equal"
        raise ValueError(
            f"{count_noun(equal, 'test image')} {verb} a training image, so metrics would be too high; remove one "
            "of the two copies"
        )
