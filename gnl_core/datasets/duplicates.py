"""Find equal images between training and test, across domains or within one, and near copies."""

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
from gnl_core.files import IMAGE_BYTES, open_file

LARGEST_COUNT = 100_000  # images per side of the quick comparison
SAMPLE_BYTES = 4096  # from the middle of a file, since headers are similar
THUMBNAIL_PX = 32
NEAR_LEVELS = 1.5  # of 255: largest root-mean-square difference between thumbnails of near copies
CHUNK = 512  # thumbnails compared at a time
ROUNDING = 100  # largest error of a squared distance that is computed as the difference of numbers up to 1e8

BETWEEN_SPLITS = "training and test"
ACROSS_DOMAINS = "several domains"
WITHIN = "one domain"
TRAINING = "train"  # the name of the training images among the domains that a report lists
Key = Callable[[Item], Hashable]
Digested = tuple[Item, bytes]  # an image and its digest


class Copies(NamedTuple):
    """Equal images of one kind and domain.

    Attributes:
        where: BETWEEN_SPLITS, ACROSS_DOMAINS or WITHIN.
        domain: Domain of the images, or TRAINING; for BETWEEN_SPLITS, that of the test images.
        images: Number of images with a copy elsewhere; for WITHIN, the number of redundant images.
        first: Names of the first image and of its copy.
    """

    where: str
    domain: str
    images: int
    first: tuple[str, str]


class Pair(NamedTuple):
    """An image and a copy of it; `where` and `domain` as in Copies."""

    where: str
    domain: str
    item: Item
    copy: Item


def find_twins(training: Sequence[Item], test: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Pair the test images that equal a training image with that image, without decoding files.

    Files are compared by size, then by 4 KiB from their middle, and if these agree by all bytes; images in array
    files are compared by their pixels. Generated images and those beyond the first LARGEST_COUNT per side are not
    compared.
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
    """Find the files that contain more than one image; listing one image in training and in test does not count."""
    names = defaultdict(set)
    for item in items:
        if item.file is not None:
            names[item.file].add(item.path)
    return {file for file, paths in names.items() if len(paths) > 1}


def pairs_by(training: Sequence[Item], test: Sequence[Item], *, keys: Sequence[Key]) -> list[tuple[Item, Item]]:
    """Pair test items with the training item that has the same keys; cheap keys come first and narrow both sides."""
    for key in keys:
        ours, theirs = ({item: key(item) for item in side if item.file is not None} for side in (training, test))
        common = set(ours.values()) & set(theirs.values())
        training, test = ([item for item, value in side.items() if value in common] for side in (ours, theirs))
    first = {value: item for item, value in reversed(ours.items())}
    return [(item, first[theirs[item]]) for item in test]


def size_key(item: Item) -> Hashable:
    """Get the size of an item's file in bytes; for a missing file, a pipe or a device, a unique value."""
    assert item.file is not None
    return item.file.stat().st_size if item.file.is_file() else item.path


def sample_key(item: Item) -> Hashable:
    """Get the size of an item's file and some bytes from its middle."""
    assert item.file is not None
    size = item.file.stat().st_size
    with open_file(item.file, limit_bytes=IMAGE_BYTES) as stream:
        stream.seek(max(0, (size - SAMPLE_BYTES) // 2))
        return size, stream.read(SAMPLE_BYTES)


def bytes_key(item: Item) -> Hashable:
    """Compute the SHA-256 of an item's file."""
    assert item.file is not None
    with open_file(item.file, limit_bytes=IMAGE_BYTES) as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def pixel_key(item: Item) -> Hashable:
    """Compute the SHA-256 of an item's pixels."""
    return pixel_digest(item.read())


def pixel_digest(image: Image) -> bytes:
    """Compute the SHA-256 of an image's size and pixels."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()


def find_copies(training: Sequence[Digested], test: Sequence[Digested]) -> list[Copies]:
    """Find equal images by their digests.

    Args:
        training: The training images, each with its digest.
        test: The test images of all domains, each with its digest.

    Returns:
        One record per kind and domain with equal images; those between training and test come first.
    """
    among_training = (pair._replace(domain=TRAINING) for pair in pairs_among(training))
    pairs = [*pairs_between(training, test), *among_training, *pairs_among(test)]
    counts = Counter((pair.where, pair.domain) for pair in pairs)
    first = {(pair.where, pair.domain): (pair.item.path, pair.copy.path) for pair in reversed(pairs)}
    records = [Copies(*key, count, first[key]) for key, count in counts.items()]
    return sorted(records, key=lambda record: (BETWEEN_SPLITS, ACROSS_DOMAINS, WITHIN).index(record.where))


def pairs_between(training: Sequence[Digested], test: Sequence[Digested]) -> Iterator[Pair]:
    """Pair each test image that equals a training image with the first such image."""
    first = {digest: item for item, digest in reversed(training)}
    return (Pair(BETWEEN_SPLITS, item.domain, item, first[digest]) for item, digest in test if digest in first)


def pairs_among(images: Iterable[Digested]) -> Iterator[Pair]:
    """Pair each image that equals an earlier one with the first in its own domain, or else with the first of all."""
    first: dict[bytes, dict[str, Item]] = defaultdict(dict)
    for item, digest in images:
        equal = first[digest]
        if item.domain in equal:
            yield Pair(WITHIN, item.domain, item, equal[item.domain])
        elif equal:
            yield Pair(ACROSS_DOMAINS, item.domain, item, next(iter(equal.values())))
        equal.setdefault(item.domain, item)


def thumbnail(image: Image) -> NDArray[np.float32]:
    """Shrink an image to a small grey picture, values 0 to 255, shape (THUMBNAIL_PX²,)."""
    small = PIL.Image.fromarray(image).convert("L").resize((THUMBNAIL_PX, THUMBNAIL_PX), PIL.Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel()


def find_near(training: NDArray[np.float32], test: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find for each test thumbnail the position of the nearest training thumbnail if it is a near copy, else -1.

    Args:
        training: Shape (n, THUMBNAIL_PX²).
        test: Shape (m, THUMBNAIL_PX²).

    Returns:
        Shape (m,). Two images are near copies if the root mean square of their difference is at most NEAR_LEVELS.
    """
    matches = np.full(len(test), -1, np.int64)
    for start in range(0, len(test), CHUNK):
        thumbnails = test[start : start + CHUNK]
        nearest = approximate_distances(thumbnails, training).argmin(1)
        exact = ((thumbnails - training[nearest]) ** 2).mean(1)
        matches[start : start + CHUNK] = np.where(exact <= NEAR_LEVELS**2, nearest, -1)
    return matches


def find_all_near(thumbnails: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Yield for each thumbnail the positions of all its near copies, itself among them.

    Args:
        thumbnails: Shape (n, THUMBNAIL_PX²).
    """
    limit = thumbnails.shape[1] * NEAR_LEVELS**2
    for start in range(0, len(thumbnails), CHUNK):
        chunk = thumbnails[start : start + CHUNK]
        for one, distances in zip(chunk, approximate_distances(chunk, thumbnails), strict=True):
            candidates = np.flatnonzero(distances <= limit + ROUNDING)
            exact = ((thumbnails[candidates] - one) ** 2).mean(1)
            yield candidates[exact <= NEAR_LEVELS**2]


def approximate_distances(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute squared distances of thumbnails, shape (n, m), each wrong by less than ROUNDING."""
    squares: NDArray[np.float32] = (ours**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * ours @ theirs.T
    return squares
