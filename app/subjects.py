"""An image to inspect: of a data set, or the user's own. Nothing here imports PyTorch."""

from __future__ import annotations

import hashlib
import io
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import PIL.Image
from PIL.ImageFile import ImageFile

from app.server.rules import limits
from gnl_core.datasets.base import UNLABELLED, Image, Item, Mask
from gnl_core.datasets.decoding import UnusablePixelsError, decode, open_picture, to_rgb
from gnl_core.datasets.mask_levels import anomalous_pixels
from gnl_core.datasets.shifts import shift_items
from gnl_core.messages import shorten

FORMATS = ("PNG", "JPEG")
SMALLEST_SIDE_PX = 8


class Subject(NamedTuple):
    """An image and its metadata.

    Attributes:
        path: Its identifier in its data set; the digest for the user's own image.
        digest: Hash of its pixels; equal digests give equal results.
        image: RGB at native size, shape (H, W, 3).
        mask: Anomalous pixels at native size, shape (H, W), or None if none are marked.
        label: 0 for normal, 1 for anomalous, -1 for unlabelled.
        shown: Its category, or the name of its file.
    """

    path: str
    digest: str
    image: Image
    mask: Mask | None
    label: int
    shown: str


def subject_of(item: Item) -> Subject:
    """Read an image of a data set.

    Raises:
        ValueError: If it cannot be read; the message says why.
    """
    image = item.read()
    labelled = item.label != UNLABELLED
    shown = item.category.replace("_", " ") if labelled else PurePosixPath(item.path).name
    return Subject(item.path, digest_of(image), image, item.mask() if item.mask else None, item.label, shown)


def as_item(subject: Subject) -> Item:
    """Convert the image to an item for loaders."""
    return Item(subject.path, lambda: subject.image, subject.label, domain="", category=subject.shown)


def under_shift(subject: Subject, shift: str) -> Subject:
    """Corrupt the image, for example by "defocus_blur:3", to the same pixels as in a scoring of its data set.

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    (item,) = shift_items([as_item(subject)], shift)
    image = item.read()
    return subject._replace(digest=digest_of(image), image=image)


def uploaded_subject(name: str, content: bytes) -> Subject:
    """Read the user's own image.

    Args:
        name: Its name, which messages and captions repeat; the middle of a long one is left out.
        content: A PNG or JPEG file within the limits of this server.

    Raises:
        ValueError: If it is anything else; the message says what came, what is expected and what to do.
    """
    name = shorten(name)
    image = read_content(name, content)
    height, width, _ = image.shape
    if min(width, height) < SMALLEST_SIDE_PX:
        raise ValueError(
            f"{name} has {width}×{height} pixels; choose an image of at least {SMALLEST_SIDE_PX}×{SMALLEST_SIDE_PX}"
        )
    digest = digest_of(image)
    return Subject(digest, digest, image, None, UNLABELLED, name)


def read_uploaded_mask(name: str, content: bytes) -> Mask:
    """Read the user's own mask, shape (H, W), by the rules for masks of data sets; raises as `uploaded_subject`."""
    return anomalous_pixels(PIL.Image.fromarray(read_content(shorten(name), content)))


def read_content(name: str, content: bytes) -> Image:
    """Decode the pixels of an untrusted file; raises as `uploaded_subject`."""
    most = limits()
    if len(content) > most.upload_mb * 2**20:
        raise ValueError(f"{name} has {len(content) / 2**20:.0f} MB; choose an image of up to {most.upload_mb} MB")
    try:
        with open_picture(io.BytesIO(content), FORMATS) as picture:
            check_size(name, picture, most=most.upload_megapixels)
            return to_rgb(decode(picture))
    except UnwantedImageError:
        raise
    except UnusablePixelsError as error:
        raise ValueError(f"{name} holds {error}; save it as an 8-bit PNG") from None
    except PIL.Image.DecompressionBombError:
        raise ValueError(f"{name} has far more than {most.upload_megapixels} megapixels; make it smaller") from None
    except PIL.UnidentifiedImageError:
        raise ValueError(f"{name} is not a PNG or JPEG image despite its name; save it as PNG or JPEG") from None
    except Exception:  # a damaged file makes Pillow raise nearly anything
        raise ValueError(f"{name} is truncated or damaged; save it again, or choose another image") from None


class UnwantedImageError(ValueError):
    """A readable image with too many pixels."""


def check_size(name: str, picture: ImageFile, *, most: int) -> None:
    """Check the size in the header, in megapixels, before allocating memory."""
    width, height = picture.size
    if width * height > most * 1_000_000:
        megapixels = width * height / 1_000_000
        raise UnwantedImageError(f"{name} has {megapixels:.0f} megapixels; make it smaller, with at most {most}")


def digest_of(image: Image) -> str:
    """Compute the SHA-256 of an image's shape and pixels."""
    digest = hashlib.sha256(f"{image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
