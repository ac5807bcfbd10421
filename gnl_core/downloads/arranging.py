"""Arrange images as the data set "folder" reads them: as links or copies, with masks, all of it or nothing."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import PIL.Image

from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.folder import open_folder
from gnl_core.datasets.layout import MASK_ENDING, own_stem
from gnl_core.datasets.names import NORMAL
from gnl_core.files import IMAGE_BYTES, open_file, real_path
from gnl_core.files.writing import sync_folder, write_atomically
from gnl_core.messages import quote
from gnl_core.tables import csv_cell

TRAINING, TEST, MASKS = "train", "test", "ground_truth"
LIST_FILE = "sources.csv"  # where each image is from
LIST_COLUMNS = ("path", "source", "group")
TEMPORARY_CHARACTERS = 32  # of the output's name


class Placement(NamedTuple):
    """An image and its place.

    Attributes:
        item: The image.
        group: Its group, which is on one side of the split; empty if the source was divided already.
        path: Its path below the output.
    """

    item: Item
    group: str
    path: PurePosixPath

    @property
    def mask_folder(self) -> PurePosixPath:
        """The folder of its mask below the output."""
        return MASKS / self.path.parent.relative_to(TEST)


class Written(NamedTuple):
    """The number of images that were linked and copied, and of masks that were linked, copied or drawn.

    Attributes:
        linked: Images that share their bytes with the source.
        copied: Images that are copies.
        masks: Masks.
        empty: Images whose mask would mark no pixel, and is left out.
    """

    linked: int
    copied: int
    masks: int
    empty: int


def plan_places(training: Sequence[tuple[Item, str]], test: Sequence[tuple[Item, str]]) -> list[Placement]:
    """Plan the places of images, given with their groups.

    Raises:
        ValueError: If a test domain has no normal or no anomalous image, unless all of them are unlabelled.
    """
    check_domains([item for item, _ in test])
    placed = [
        *((item, group, PurePosixPath(TRAINING, NORMAL)) for item, group in training),
        *((item, group, test_folder(item)) for item, group in test),
    ]
    names = unique_names([(item, folder) for item, _, folder in placed])
    return [Placement(item, group, folder / name) for (item, group, folder), name in zip(placed, names, strict=True)]


def check_domains(items: Sequence[Item]) -> None:
    """Check that each domain to score can be scored."""
    if unusable := sorted(find_unusable_domains(items)):
        raise ValueError(
            f"the domain {quote(unusable[0])} needs normal and anomalous images to score, but has only one of both; "
            "add some, divide the images otherwise, or pass --from photographs to import them without labels"
        )


def find_unusable_domains(items: Iterable[Item]) -> set[str]:
    """Find the domains with normal images alone, or with anomalous ones alone."""
    labels = {(item.domain, item.label) for item in items}
    return {domain for domain, label in labels if label != UNLABELLED and (domain, 1 - label) not in labels}


def test_folder(item: Item) -> PurePosixPath:
    """Return the folder of an image to score below the output."""
    if item.label == UNLABELLED:
        return PurePosixPath(TEST)
    return PurePosixPath(TEST, item.domain, item.category if item.label else NORMAL)


def unique_names(placed: Sequence[tuple[Item, PurePosixPath]]) -> list[str]:
    """Name the files: as in the source, or where two in a folder have the same stem, by their whole path below it."""
    paths = [PurePosixPath(item.path) for item, _ in placed]
    folders = [folder for _, folder in placed]
    shared = count_stems(folders, [path.name for path in paths])
    names = [
        path.name if shared[stem_key(folder, path.name)] == 1 else "-".join(path.parts)
        for folder, path in zip(folders, paths, strict=True)
    ]
    shared = count_stems(folders, names)
    return [
        name if shared[stem_key(folder, name)] == 1 else number_name(name, position)
        for position, (folder, name) in enumerate(zip(folders, names, strict=True), start=1)
    ]


def count_stems(folders: Sequence[PurePosixPath], names: Sequence[str]) -> Counter[tuple[PurePosixPath, str]]:
    """Count the files of each stem in each folder."""
    return Counter(stem_key(folder, name) for folder, name in zip(folders, names, strict=True))


def stem_key(folder: PurePosixPath, name: str) -> tuple[PurePosixPath, str]:
    """Return what two files in a folder must not share, so that a mask is of one image: also ignoring case."""
    return folder, own_stem(Path(name)).casefold()


def number_name(name: str, number: int) -> str:
    """Add a number to a name before its suffix."""
    path = PurePosixPath(name)
    return f"{path.stem}-{number}{path.suffix}"


def write_layout(placements: Iterable[Placement], output: Path, *, copy: bool) -> Written:
    """Write images and masks to a new folder that the data set "folder" reads, or nothing if anything fails.

    Args:
        placements: The images and their places.
        output: The folder to create; its own parent is created if needed. It may exist and be empty.
        copy: Whether to copy all images. Otherwise they are hard links, or copies where the file system has no links.

    Raises:
        ValueError: If an image or a mask cannot be read.
        OSError: If the folder cannot be written, or is not empty.
    """
    done: list[Placement] = []
    counts: Counter[str] = Counter()
    with new_folder(real_path(output)) as folder:
        for placement in placements:
            target = folder / placement.path
            counts[place_file(placement.item.file, target, copy=copy)] += 1
            counts[place_mask(placement, folder, copy=copy)] += 1
            done.append(placement)
        write_atomically(folder / LIST_FILE, list_sources(done).encode())
        check_layout(folder, done)
    return Written(counts["linked"], counts["copied"], counts["mask"], counts["empty"])


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Yield a temporary folder beside the output; rename it to the output afterwards, or remove it on any failure."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name[:TEMPORARY_CHARACTERS]}."))
    try:
        temporary.chmod(0o755)  # temporary folders are private, data is not
        yield temporary
        if output.exists():
            output.rmdir()  # fails unless it is empty
        temporary.rename(output)
        sync_folder(output.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def place_file(file: Path | None, target: Path, *, copy: bool) -> str:
    """Link or copy a regular file; return "linked" or "copied"."""
    assert file is not None  # every source lists files
    target.parent.mkdir(parents=True, exist_ok=True)
    real = real_path(file)
    open_file(real, limit_bytes=IMAGE_BYTES).close()  # a pipe or a device cannot be copied
    if not copy:
        try:
            os.link(real, target)
            return "linked"
        except FileExistsError:
            raise
        except OSError:  # another file system, one without links, or another user's file
            pass
    shutil.copyfile(real, target)
    return "copied"


def place_mask(placement: Placement, folder: Path, *, copy: bool) -> str:
    """Link, copy or draw an anomalous image's mask; return "mask", or "empty" if it marks no pixel, or ""."""
    item = placement.item
    if item.label != 1 or item.mask is None:
        return ""
    place = folder / placement.mask_folder
    name = f"{placement.path.stem}{MASK_ENDING}"
    if len(item.mask_files) == 1:
        (mask_file,) = item.mask_files
        place_file(mask_file, place / f"{name}{mask_file.suffix}", copy=copy)
        return "mask"
    mask = item.mask()
    if not mask.any():
        return "empty"
    place.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(place / f"{name}.png")
    return "mask"


def list_sources(placements: Sequence[Placement]) -> str:
    """List where each image is from, as CSV."""
    text = StringIO()
    rows = csv.writer(text)
    rows.writerow(LIST_COLUMNS)
    for item, group, path in placements:
        rows.writerow([csv_cell(value) for value in (str(path), item.path, group)])
    return text.getvalue()


def check_layout(folder: Path, placements: Sequence[Placement]) -> None:
    """Check that the data set "folder" reads the images as they were placed."""
    spec = open_folder(folder)
    read = {item.path: 0 for item in spec.train_items(folder, NORMAL)}
    for domain in spec.domains:
        read |= {item.path: item.label for item in spec.test_items(folder, NORMAL, domain)}
    placed = {str(path): 0 if path.parts[0] == TRAINING else item.label for item, _, path in placements}
    assert read == placed, "the folder is not read as it was written"
