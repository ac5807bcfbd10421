"""A painting on an image, as the browser sends it. Nothing here imports PyTorch."""

from __future__ import annotations

import base64

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from app.subjects import Subject, digest_of, read_content
from gnl_core.config.validation import describe_invalid
from gnl_core.datasets.base import UNLABELLED

MOST_PIXELS = 4_000_000  # of an image that a browser can paint on; larger ones take seconds to reach it
NAME = "the painting"  # in messages


class Patch(BaseModel):
    """The rectangle in which a painted image differs from the original.

    Attributes:
        left: Its first column.
        top: Its first row.
        png: Its pixels, a PNG file in base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    left: NonNegativeInt
    top: NonNegativeInt
    png: str


def painted_subject(subject: Subject, sent: object) -> Subject:
    """Lay a painting over an image.

    Args:
        subject: The image.
        sent: The fields of a `Patch`, unchecked.

    Returns:
        The painted image, at the size of the original; without label and mask, which may no longer be right.

    Raises:
        ValueError: If it is no patch within the image, or exceeds the limits of an upload; the message says why.
    """
    patch = read_patch(sent)
    pixels = read_content(NAME, decode_base64(patch.png))
    (height, width, _), (most_rows, most_columns, _) = pixels.shape, subject.image.shape
    if patch.top + height > most_rows or patch.left + width > most_columns:
        raise ValueError(
            f"{NAME} has {width}×{height} pixels from column {patch.left} and row {patch.top} on, but the image has "
            f"{most_columns}×{most_rows}; paint again"
        )
    image = subject.image.copy()
    image[patch.top : patch.top + height, patch.left : patch.left + width] = pixels
    digest = digest_of(image)
    return Subject(digest, digest, image, None, UNLABELLED, f"{subject.shown}, painted")


def read_patch(sent: object) -> Patch:
    """Check what the browser sent; raises as `painted_subject`."""
    try:
        return Patch.model_validate(sent)
    except ValidationError as error:
        raise ValueError(f"{NAME} is not as the painter sends it, {describe_invalid(error)}; paint again") from None


def decode_base64(text: str) -> bytes:
    """Decode base64; raises ValueError if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"{NAME} is not encoded in base64; paint again") from None


def check_paintable(subject: Subject) -> None:
    """Raise ValueError if an image is too large to paint on."""
    height, width, _ = subject.image.shape
    if height * width > MOST_PIXELS:
        raise ValueError(
            f"this image has {height * width / 1e6:.0f} megapixels; to paint on it, make it smaller, with at most "
            f"{MOST_PIXELS / 1e6:.0f}"
        )
