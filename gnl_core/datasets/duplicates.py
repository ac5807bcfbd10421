"""Images that are there twice: in training and testing, in two domains, or in one; and copies that nearly agree."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.datasets.base import Image, Item

LARGEST_COUNT = 100_000  # images on either side of the quick comparison
SAMPLE_BYTES = 4096  # from the middle of a file: headers look alike
THUMBNAIL_PX = 32
NEAR_LEVELS = 1.5  # of 255: root mean square by which thumbnails of a near copy differ at most
CHUNK = 512  # thumbnails compared at a time

BETWEEN_SPLITS = "training and test"
ACROSS_DOMAINS = "several domains"
WITHIN = "one domain"
Key = Callable[[Item], Hashable]


class Copies(NamedTuple):
    """Images that are equal.

    Attributes:
        where: BETWEEN_SPLITS, ACROSS_DOMAINS or WITHIN.
        domain: The domain whose images they are; of BETWEEN_SPLITS, the test images'.
        images: How many images have a copy elsewhere; of WITHIN, how many are there once more than needed.
        first: Names of the first of them and of its copy.
    """

    where: str
    domain: str
    images: int
    first: tuple[str, str]


class Pair(NamedTuple):
    """An image and a copy of it."""

    where: str
    item: Item
    copy: Item


def find_twins(training: Sequence[Item], test: Sequence[Item]) -> list[tuple[Item, Item]]:
    """The test images that equal a training image, each with that image, found without decoding files.

    Files are compared by size, then by 4 KiB from their middle, and what still agrees by all bytes; images in array
    files by their pixels. Images that are made are not compared, nor those beyond the first LARGEST_COUNT of each side.
    """
    training, test = training[:LARGEST_COUNT], test[:LARGEST_COUNT]
    shared = shared_files([*training, *test])
    singles = pairs_by(
        [item for item in training if item.file not in shared],
        [item for item in test if item.file not in shared],
        keys=(size_key, sample_key, bytes_key),
    )
    arrays = pairs_by(
        [item for item in training if item.file in shared],
        [item for item in test if item.file in shared],
        keys=(pixel_key,),
    )
    return [*singles, *arrays]


def shared_files(items: Iterable[Item]) -> set[Path]:
    """The files that hold more than one image: not one file that is listed in training and in testing."""
    names = defaultdict(set)
    for item in items:
        if item.file is not None:
            names[item.file].add(item.path)
    return {file for file, paths in names.items() if len(paths) > 1}


def pairs_by(training: Sequence[Item], test: Sequence[Item], *, keys: Sequence[Key]) -> list[tuple[Item, Item]]:
    """The test items that agree with a training item in all keys, cheap ones first; both sides get fewer each time."""
    for key in keys:
        ours, theirs = ({item: key(item) for item in side if item.file is not None} for side in (training, test))
        common = set(ours.values()) & set(theirs.values())
        training, test = ([item for item, value in side.items() if value in common] for side in (ours, theirs))
    first = {value: item for item, value in reversed(ours.items())}
    return [(item, first[theirs[item]]) for item in test]


def size_key(item: Item) -> Hashable:
    """The size of an item's file in bytes; of one that is not there, a value that no other has."""
    assert item.file is not None
    return item.file.stat().st_size if item.file.is_file() else item.path


def sample_key(item: Item) -> Hashable:
    """The size of an item's file, and some bytes from its middle."""
    assert item.file is not None
    size = item.file.stat().st_size
    with item.file.open("rb") as stream:
        stream.seek(max(0, (size - SAMPLE_BYTES) // 2))
        return size, stream.read(SAMPLE_BYTES)


def bytes_key(item: Item) -> Hashable:
    """SHA-256 of an item's file."""
    assert item.file is not None
    with item.file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def pixel_key(item: Item) -> Hashable:
    """SHA-256 of an item's pixels."""
    return pixel_digest(item.read())


def pixel_digest(image: Image) -> bytes:
    """SHA-256 of an image's size and pixels."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()


def find_copies(items: Sequence[Item], digests: Sequence[bytes], *, training: str) -> list[Copies]:
    """Equal images, by their digests.

    Args:
        items: Images of all domains.
        digests: The digest of each.
        training: The domain of the training images.

    Returns:
        One record for each kind and domain that has some, those between training and test first.
    """
    groups: dict[bytes, list[Item]] = defaultdict(list)
    for item, digest in zip(items, digests, strict=True):
        groups[digest].append(item)
    pairs = [pair for group in groups.values() if len(group) > 1 for pair in pairs_of(group, training=training)]
    place = {(item.domain, item.path): position for position, item in enumerate(items)}
    pairs.sort(key=lambda pair: place[pair.item.domain, pair.item.path])
    counts = Counter((pair.where, pair.item.domain) for pair in pairs)
    first = {(pair.where, pair.item.domain): (pair.item.path, pair.copy.path) for pair in reversed(pairs)}
    found = [Copies(*key, count, first[key]) for key, count in counts.items()]
    return sorted(found, key=lambda one: (BETWEEN_SPLITS, ACROSS_DOMAINS, WITHIN).index(one.where))


def pairs_of(group: Sequence[Item], *, training: str) -> Iterator[Pair]:
    """What is to be said of each of a group of equal images: one pair for each kind of copy that it is."""
    first: dict[str, Item] = {}
    for item in group:
        if item.domain in first:
            yield Pair(WITHIN, item, first[item.domain])
        elif item.domain != training:
            others = [other for domain, other in first.items() if domain != training]
            yield from (Pair(ACROSS_DOMAINS, item, other) for other in others[:1])
        first.setdefault(item.domain, item)
    if training in first:
        yield from (Pair(BETWEEN_SPLITS, item, first[training]) for item in group if item.domain != training)


def thumbnail(image: Image) -> NDArray[np.float32]:
    """An image as a small grey picture, values 0 to 255, shape (THUMBNAIL_PX²,)."""
    small = PIL.Image.fromarray(image).convert("L").resize((THUMBNAIL_PX, THUMBNAIL_PX), PIL.Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel()


def find_near(training: NDArray[np.float32], test: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each test thumbnail, the position of the nearest training thumbnail if it is a near copy, else -1.

    Args:
        training: Shape (n, THUMBNAIL_PX²).
        test: Shape (m, THUMBNAIL_PX²).

    Returns:
        Shape (m,). Two images are near copies if the root mean square of their difference is at most NEAR_LEVELS.
    """
    found = np.full(len(test), -1, np.int64)
    for start in range(0, len(test), CHUNK):
        some = test[start : start + CHUNK]
        squares = (some**2).sum(1)[:, None] + (training**2).sum(1) - 2 * some @ training.T
        nearest = squares.argmin(1)
        exact = ((some - training[nearest]) ** 2).mean(1)  # the expansion above rounds
        found[start : start + CHUNK] = np.where(exact <= NEAR_LEVELS**2, nearest, -1)
    return found
