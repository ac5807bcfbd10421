"""gnl data import: bring images into the layout of the data set "folder", divided by groups."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from gnl_core.cli.console import say, show
from gnl_core.cli.data_import_report import Outcome, advise, describe
from gnl_core.cli.parser import Parser, path_of
from gnl_core.config import parse_config
from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets import default_root
from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.duplicates import thumbnail
from gnl_core.datasets.group_splitting import divide_groups
from gnl_core.datasets.grouping import (
    group_alone,
    group_by_folder,
    group_by_list,
    group_by_name,
    merge_equal_files,
    merge_near_copies,
    search,
)
from gnl_core.datasets.sources import SOURCES, read_source
from gnl_core.datasets.sources.contents import Contents, folder_name
from gnl_core.downloads.arranging import find_unusable_domains, plan_places, write_layout
from gnl_core.runs.outputs import check_new_folder, check_output

BAR_DELAY_SECONDS = 5
GROUPING = {  # flags that divide images, for messages
    "by_name": "--by-name",
    "by_folder": "--by-folder",
    "by_csv": "--by-csv",
    "by_likeness": "--by-likeness",
    "shifted": "--shifted",
}
Grouped = tuple[Item, str]  # an image and its group


class Divided(NamedTuple):
    """Images on two sides.

    Attributes:
        training: Images to train on, with their groups.
        test: Images to score, likewise.
        left_out: Images on neither side.
    """

    training: list[Grouped]
    test: list[Grouped]
    left_out: list[Item]


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data import, which are also those of gnl data split."""
    parser.add_argument("source", type=path_of, metavar="SOURCE", help="folder of images")
    parser.add_argument(
        "--output", type=path_of, required=True, metavar="DIR", help="folder to create, or an empty one"
    )
    parser.add_argument(
        "--from", dest="origin", choices=SOURCES, help="what SOURCE is. Unset: recognised by its content"
    )
    parser.add_argument(
        "--normal-label",
        nargs="+",
        default=[],
        metavar="NAME",
        help="labels that mean normal, besides good, ok and others",
    )
    parser.add_argument(
        "--shifted",
        metavar="REGEX",
        help="regular expression; images whose path it matches are of a shifted domain, named after the match, and "
        "are for testing alone",
    )
    parser.add_argument("--copy", action="store_true", help="copy images instead of linking them (hard links)")
    add_group_flags(
        parser.add_argument_group("groups", "The images of a group are all for training, or all for testing.")
    )
    parser.set_defaults(command=import_command)


def add_group_flags(groups: argparse._ArgumentGroup) -> None:
    """Add the flags that say what a group is, and how groups are divided."""
    ways = groups.add_mutually_exclusive_group()
    ways.add_argument("--by-name", metavar="REGEX", help="regular expression; its match in a file's name is the group")
    ways.add_argument("--by-folder", action="store_true", help="the folders that an image is in are its group")
    ways.add_argument(
        "--by-csv", nargs=2, metavar=("FILE", "COLUMN"), help="a column of a CSV file that also has a column path"
    )
    groups.add_argument(
        "--by-likeness", action="store_true", help="also keep near copies together, decoding all images"
    )
    groups.add_argument(
        "--mixed-groups",
        choices=("test", "divide"),
        default="test",
        help="groups that also have anomalous or shifted images: for testing, or divided like the others, leaving "
        "these images out of groups for training (default: test)",
    )
    groups.add_argument(
        "--test-percent",
        metavar="PERCENT",
        default=USUAL_SPLIT.test_percent,
        help=f"share of the normal images that is for testing (default: {USUAL_SPLIT.test_percent:g})",
    )
    groups.add_argument(
        "--seed",
        metavar="INT",
        default=USUAL_SPLIT.seed,
        help=f"seed of the split (default: {USUAL_SPLIT.seed})",
        dest="split_seed",
    )


def import_command(parsed: argparse.Namespace) -> None:
    """Import images, divided as they are in the source, or else by groups: gnl data import."""
    bring(parsed, keeps_division=True)


def bring(parsed: argparse.Namespace, *, keeps_division: bool) -> None:
    """Read the source, divide its images, write them, and report.

    Raises:
        ValueError: If any of this fails; nothing is written then.
    """
    config = parse_config({"split_seed": parsed.split_seed, "test_percent": parsed.test_percent})
    check_new_folder(parsed.output, source=parsed.source, what="--output")
    check_output(parsed.output, default_root(), what="--output")
    kind, contents = read_source(parsed.source, parsed.origin, parsed.normal_label)
    if contents.training and keeps_division:
        divided = keep_division(contents, parsed)
    else:
        divided = leave_out_domains(divide(contents, parsed, config.split), contents.in_distribution)
    placements = plan_places(divided.training, divided.test)
    bar = tqdm(placements, unit="image", file=sys.stderr, delay=BAR_DELAY_SECONDS)
    written = write_layout(bar, parsed.output, copy=parsed.copy)
    outcome = Outcome(kind, contents, divided.left_out, placements, written)
    show("\n".join(describe(parsed, outcome)))
    for line in advise(parsed, outcome):
        say(line)


def keep_division(contents: Contents, parsed: argparse.Namespace) -> Divided:
    """Keep the division of the source.

    Raises:
        ValueError: If a flag asks for another.
    """
    given = [flag for name, flag in GROUPING.items() if getattr(parsed, name)]
    if given:
        raise ValueError(
            f"{parsed.source} is divided into training and test images already; leave out {given[0]}, or use gnl data "
            "split to divide it anew"
        )
    return Divided([(item, "") for item in contents.training], [(item, "") for item in contents.images], [])


def divide(contents: Contents, parsed: argparse.Namespace, split: Split) -> Divided:
    """Divide all images by groups.

    Raises:
        ValueError: If they cannot be grouped or divided as asked.
    """
    items = [assign_domain(item, parsed.shifted) for item in [*contents.training, *contents.images]]
    groups = group(items, parsed)
    sides = divide_groups(items, groups, split, in_distribution=contents.in_distribution, mixed=parsed.mixed_groups)
    training = [(items[n], groups[n]) for n in sides.training]
    return Divided(training, [(items[n], groups[n]) for n in sides.test], [items[n] for n in sides.left_out])


def leave_out_domains(divided: Divided, in_distribution: str) -> Divided:
    """Leave out shifted domains that cannot be scored, since they have no normal or no anomalous image."""
    unusable = find_unusable_domains([item for item, _ in divided.test]) - {in_distribution}
    test = [(item, name) for item, name in divided.test if item.domain not in unusable]
    return divided._replace(
        test=test, left_out=[*divided.left_out, *(item for item, _ in divided.test if item.domain in unusable)]
    )


def assign_domain(item: Item, shifted: str | None) -> Item:
    """Name the domain of an image that is shifted; other images are returned unchanged.

    Raises:
        ValueError: If the images are unlabelled.
    """
    if shifted is None:
        return item
    if item.label == UNLABELLED:
        raise ValueError("--shifted needs labelled images, since a domain of unlabelled ones has no folder")
    domain = search(shifted, item.path)
    return item if domain is None else item._replace(domain=folder_name(domain))


def group(items: Sequence[Item], parsed: argparse.Namespace) -> list[str]:
    """Group images as the flags say; equal files are always together."""
    if parsed.by_name is not None:
        groups = group_by_name(items, parsed.by_name)
    elif parsed.by_folder:
        groups = group_by_folder(items)
    elif parsed.by_csv:
        groups = group_by_list(items, path_of(parsed.by_csv[0]), parsed.by_csv[1])
    else:
        groups = group_alone(items)
    merged = merge_equal_files(items, groups)
    if not parsed.by_likeness:
        return merged
    bar = tqdm(items, unit="image", file=sys.stderr, delay=BAR_DELAY_SECONDS)
    return merge_near_copies(np.stack([thumbnail(item.read()) for item in bar]), merged)
