"""One image to be inspected: of a data set, or brought along. Nothing here imports PyTorch."""

from __future__ import annotations

import hashlib
import io
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import PIL.Image
from PIL.ImageFile import ImageFile

from gnl_core.datasets.base import UNLABELLED, Image, Item, Mask
from gnl_core.datasets.decoding import UnusablePixelsError, decode, open_picture, to_rgb
from gnl_core.datasets.shifts import shift_items

FORMATS = ("PNG", "JPEG")
LARGEST_MB = 10
LARGEST_MEGAPIXELS = 24
SMALLEST_SIDE_PX = 8


class Subject(NamedTuple):
    """An image and what is known of it.

    Attributes:
        path: What identifies it in its data set; its digest where it was brought along.
        digest: Of its pixels: two with the same digest get the same answers.
        image: RGB at native size, shape (H, W, 3).
        mask: Anomalous pixels at native size, shape (H, W), or None where none are marked.
        label: 0 for normal, 1 for anomalous, -1 where nobody has labelled it.
        shown: What it shows: its category, or the name of its file.
    """

    path: str
    digest: str
    image: Image
    mask: Mask | None
    label: int
    shown: str


def subject_of(item: Item) -> Subject:
    """An image of a data set, read.

    Raises:
        ValueError: If it cannot be read; says why.
    """
    image = item.read()
    labelled = item.label != UNLABELLED
    shown = item.category.replace("_", " ") if labelled else PurePosixPath(item.path).name
    return Subject(item.path, digest_of(image), image, item.mask() if item.mask else None, item.label, shown)


def as_item(subject: Subject) -> Item:
    """The image as loaders are given it."""
    return Item(subject.path, lambda: subject.image, subject.label, domain="", category=subject.shown)


def under_shift(subject: Subject, shift: str) -> Subject:
    """The image under a corruption, such as "defocus_blur:3": the pixels that a scoring of its data set sees.

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    (item,) = shift_items([as_item(subject)], shift)
    image = item.read()
    return subject._replace(digest=digest_of(image), image=image)


def uploaded_subject(name: str, content: bytes) -> Subject:
    """An image that a visitor brings along.

    Args:
        name: What it is called.
        content: A PNG or JPEG file of up to 10 MB and 24 megapixels.

    Raises:
        ValueError: If it is anything else; says what came, what is expected and what to do.
    """
    image = read_content(name, content)
    digest = digest_of(image)
    return Subject(digest, digest, image, None, UNLABELLED, name)


def read_content(name: str, content: bytes) -> Image:
    """The pixels of a file whose content nobody has vouched for; fails as `uploaded_subject`."""
    if len(content) > LARGEST_MB * 2**20:
        raise ValueError(f"{name} has {len(content) / 2**20:.0f} MB; choose an image of up to {LARGEST_MB} MB")
    try:
        with open_picture(io.BytesIO(content), FORMATS) as picture:
            check_size(name, picture)
            return to_rgb(decode(picture))
    except UnwantedImageError:
        raise
    except UnusablePixelsError as error:
        raise ValueError(f"{name} holds {error}; save it as an 8-bit PNG") from None
    except PIL.Image.DecompressionBombError:
        raise ValueError(
            f"{name} has far more than {LARGEST_MEGAPIXELS} megapixels; make it smaller, up to so many are read"
        ) from None
    except PIL.UnidentifiedImageError:
        raise ValueError(f"{name} is no PNG or JPEG image, whatever its name says; save it as one of the two") from None
    except Exception:  # a damaged file makes Pillow raise nearly anything
        raise ValueError(f"{name} is truncated or damaged; save it again, or choose another image") from None


class UnwantedImageError(ValueError):
    """An image that is whole and still of no use here."""


def check_size(name: str, picture: ImageFile) -> None:
    """Refuse what a header promises, before any memory is asked for."""
    width, height = picture.size
    if width * height > LARGEST_MEGAPIXELS * 1_000_000:
        megapixels = width * height / 1_000_000
        raise UnwantedImageError(
            f"{name} has {megapixels:.0f} megapixels; make it smaller, up to {LARGEST_MEGAPIXELS} are read"
        )
    if min(width, height) < SMALLEST_SIDE_PX:
        raise UnwantedImageError(
            f"{name} has {width}×{height} pixels; choose an image of at least {SMALLEST_SIDE_PX}×{SMALLEST_SIDE_PX}"
        )


def digest_of(image: Image) -> str:
    """SHA-256 of an image's shape and pixels."""
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
