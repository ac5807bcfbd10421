"""What gnl data check prints: a table of what was read, and what was found, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gnl_core.datasets.accounting import SkippedFile, describe_skipped_files, shown_path
from gnl_core.datasets.duplicates import ACROSS_DOMAINS, BETWEEN_SPLITS, Copies
from gnl_core.datasets.overview import count_noun
from gnl_core.tables import align_columns

COLUMNS = ("domain", "label", "images", "size (HxW)", "colours", "masks")
NUMBERS = (COLUMNS.index("images"), COLUMNS.index("masks"))
JSON_COLUMNS = ("domain", "label", "images", "sizes", "colours", "masks")


class Findings(NamedTuple):
    """The result of a check.

    Attributes:
        rows: Table rows with a value for each of COLUMNS.
        read_from: Folders and files from which the images are read.
        split: Name of the split of training and test images, if it depends on the files; else None.
        problems: One sentence per image or domain that cannot be read or listed.
        passed_over: Skipped files.
        copies: Images with equal pixels.
        near: Names of test images with the training images that they nearly equal; None unless requested.
    """

    rows: list[tuple[str, ...]]
    read_from: list[str]
    split: str | None
    problems: list[str]
    passed_over: list[SkippedFile]
    copies: list[Copies]
    near: list[tuple[str, str]] | None


def describe(findings: Findings, root: Path | None) -> list[str]:
    """Format the findings as a table, followed by notes."""
    lines = [*align_columns([COLUMNS, *findings.rows], right=NUMBERS), *describe_sources(findings), *findings.problems]
    if findings.passed_over:
        lines.append(f"skipped {count_noun(len(findings.passed_over), 'file')}:")
        lines += [f"  {line}" for line in describe_skipped_files(findings.passed_over, root or Path())]
    lines += [describe_copies(one) for one in findings.copies]
    if findings.near is not None:
        lines.append(describe_near(findings.near))
    if is_well(findings):
        images = sum(int(row[2]) for row in findings.rows)
        lines.append(f"{count_noun(images, 'image')}, no problems")
    return lines


def is_well(findings: Findings) -> bool:
    """Return whether all files can be read, none is skipped, and no test image nearly equals a training image."""
    equal = any(one.where == BETWEEN_SPLITS for one in findings.copies)
    return not (findings.problems or findings.passed_over or equal or findings.near)


def describe_sources(findings: Findings) -> list[str]:
    """Describe where the images are read from and how they are split."""
    lines = [f"read from: {', '.join(findings.read_from)}"] if findings.read_from else []
    return [*lines, f"split: {findings.split}"] if findings.split else lines


def describe_copies(copies: Copies) -> str:
    """Describe equal images in one sentence."""
    images, verb = count_noun(copies.images, "image"), "equals" if copies.images == 1 else "equal"
    name, other = copies.first
    example = f"the first: {name} is {other}"
    if copies.where == BETWEEN_SPLITS:
        return f"{copies.domain}: {images} {verb} a training image, {example}"
    if copies.where == ACROSS_DOMAINS:
        return f"{copies.domain}: {images} {verb} an image of another domain, {example}"
    return f"{copies.domain}: {images} {verb} another image of the domain, {example}"


def describe_near(near: Sequence[tuple[str, str]]) -> str:
    """Describe near copies in one sentence."""
    if not near:
        return "no test image is nearly equal to a training image"
    name, other = near[0]
    verb = "is" if len(near) == 1 else "are"
    return (
        f"{count_noun(len(near), 'test image')} {verb} nearly equal to a training image, the first: {name} and {other}"
    )


def counts_of(row: Sequence[str]) -> dict[str, int]:
    """Convert the counts of a row to integers."""
    return {name: int(row[JSON_COLUMNS.index(name)]) for name in ("images", "masks")}


def plain_values(name: str, findings: Findings, root: Path | None) -> dict[str, Any]:
    """Convert the findings to plain values."""
    passed = [{"file": shown_path(one.file, root or Path()), "reason": one.reason} for one in findings.passed_over]
    return {
        "dataset": name,
        **findings._asdict(),
        "rows": [dict(zip(JSON_COLUMNS, row, strict=True)) | counts_of(row) for row in findings.rows],
        "passed_over": passed,
        "copies": [one._asdict() for one in findings.copies],
        "all_well": is_well(findings),
    }
