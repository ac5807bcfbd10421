"""What gnl data import and gnl data split print: what was taken, as what, what was left out and why, and what to do."""

from __future__ import annotations

import argparse
import shlex
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from gnl_core.datasets.accounting import describe_skipped_files
from gnl_core.datasets.base import Item
from gnl_core.datasets.names import NORMAL
from gnl_core.datasets.overview import count_noun
from gnl_core.datasets.sources import SOURCES
from gnl_core.datasets.sources.contents import Contents
from gnl_core.downloads.arranging import LIST_FILE, TRAINING, Placement, Written
from gnl_core.percentages import percent
from gnl_core.tables import align_columns

COLUMNS = ("part", "domain", "label", "images", "masks", "groups")
NUMBERS = tuple(COLUMNS.index(name) for name in ("images", "masks", "groups"))
NO_GROUPS = "-"
NOTICEABLE_PERCENT = 10  # by which more images can be for testing than asked for without a word


class Outcome(NamedTuple):
    """The result of an import.

    Attributes:
        kind: Kind of the source, a key of SOURCES.
        contents: What the source contains.
        left_out: Images on neither side of the split.
        placements: The images that were written, with their groups.
        written: How they were written.
    """

    kind: str
    contents: Contents
    left_out: list[Item]
    placements: list[Placement]
    written: Written


def describe(parsed: argparse.Namespace, outcome: Outcome) -> list[str]:
    """Describe what was taken, as what, what was left out and why, and what was written."""
    skipped, written = outcome.contents.skipped, outcome.written
    lines = [f"read {parsed.source} as a {SOURCES[outcome.kind].summary}"]
    if skipped:
        lines.append(f"left out {count_noun(len(skipped), 'file')}:")
        lines += [f"  {line}" for line in describe_skipped_files(skipped, parsed.source)]
    lines += describe_left_out(outcome)
    lines += align_columns([COLUMNS, *count_rows(outcome)], right=NUMBERS)
    counts = {"link": written.linked, "copy": written.copied, "mask": written.masks}
    made = [count_copies(number) if noun == "copy" else count_noun(number, noun) for noun, number in counts.items()]
    return [*lines, f"wrote {parsed.output}: {', '.join(made)}, and {LIST_FILE}"]


def count_copies(number: int) -> str:
    """Format a number of copies."""
    return f"{number:,} {'copy' if number == 1 else 'copies'}"


def describe_left_out(outcome: Outcome) -> list[str]:
    """Describe the images on neither side of the split, one line per reason."""
    taken = {placement.item.domain for placement in outcome.placements}
    of_domain = [item for item in outcome.left_out if item.domain not in taken]
    of_training = [item for item in outcome.left_out if item.domain in taken]
    reasons = (
        (of_domain, "of shifted domains without normal or without anomalous images"),
        (of_training, "that could only be for testing, of groups that are for training"),
    )
    return [
        f"left out {count_noun(len(items), 'image')} {reason}, first: {items[0].path}"
        for items, reason in reasons
        if items
    ]


def count_rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Count images, masks and groups by part, domain and label; training, in-distribution and normal images first."""
    parts: dict[tuple[str, str, str], list[Placement]] = defaultdict(list)
    for placement in outcome.placements:
        part, item = placement.path.parts[0], placement.item
        parts[part, item.domain, NORMAL if part == TRAINING else item.category].append(placement)
    home = outcome.contents.in_distribution
    order = sorted(parts, key=lambda key: (key[0] != TRAINING, key[1] != home, key[1], key[2] != NORMAL, key[2]))
    return [(*key, *count_part(parts[key])) for key in order]


def count_part(placements: Sequence[Placement]) -> tuple[str, str, str]:
    """Count images, those with a mask, and groups, as text."""
    groups = {placement.group for placement in placements}
    masks = sum(placement.item.mask is not None for placement in placements)
    return f"{len(placements):,}", f"{masks:,}", NO_GROUPS if groups == {""} else f"{len(groups):,}"


def advise(parsed: argparse.Namespace, outcome: Outcome) -> list[str]:
    """List what the user should know about the result, and what to do next."""
    alone = sum(placement.group == placement.item.path for placement in outcome.placements)
    lines = [*outcome.contents.notes, *describe_division(outcome)]
    if outcome.written.empty:
        lines.append(f"{count_noun(outcome.written.empty, 'image')} got no mask, since it would mark no pixel")
    if parsed.by_name is not None and alone:
        lines.append(f"{count_noun(alone, 'image')} without a match of --by-name: each is a group of its own")
    elif alone and not parsed.by_likeness:
        lines.append(
            "each image is a group of its own: if several show the same part, or were taken in a row, divide them by "
            "groups with --by-name, --by-folder, --by-csv or --by-likeness"
        )
    root = shlex.quote(str(parsed.output))
    following = f"next: gnl train --dataset folder --data-root {root} --normal-class {NORMAL} --run RUN"
    return [*lines, *warn_of_share(parsed, outcome), following]


def describe_division(outcome: Outcome) -> Sequence[str]:
    """Describe the division of the source, if it was kept."""
    is_kept = outcome.contents.training and not any(placement.group for placement in outcome.placements)
    return outcome.contents.division_notes if is_kept else ()


def warn_of_share(parsed: argparse.Namespace, outcome: Outcome) -> list[str]:
    """Say that far more images are for testing than asked for, in a sentence; nothing if this is not so."""
    home = outcome.contents.in_distribution
    could_train = [one for one in outcome.placements if one.item.label != 1 and one.item.domain == home]
    share = sum(one.path.parts[0] != TRAINING for one in could_train) / len(could_train)
    are_grouped = 1 < len({one.group for one in could_train}) < len(could_train)
    if not are_grouped or 100 * share <= float(parsed.test_percent) + NOTICEABLE_PERCENT:
        return []
    return [
        f"{percent(share, decimals=0)} of the images that could be for training are for testing: their groups are "
        "large, or also have images that can only be for testing; choose smaller groups, or pass --mixed-groups divide"
    ]
