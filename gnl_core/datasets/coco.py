"""Annotation files of COCO: images, categories, and the areas of annotations as polygons or run-length codes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import PIL.Image
import PIL.ImageDraw
from pydantic import Field

from gnl_core.datasets.base import Mask
from gnl_core.datasets.labelme import LONGEST_SIDE_PX, Coordinate, Side
from gnl_core.datasets.rle import check_runs, decode_runs, parse_runs
from gnl_core.files import MIB, UnreadableFileError
from gnl_core.files.records import SavedRecord, read_record

ANNOTATION_BYTES = 128 * MIB  # largest annotation file
FEWEST_NUMBERS = 6  # of a polygon: three corners
REMEDY = "export it again as COCO, or restore it"

Identifier = int | str
Polygon = Annotated[list[Coordinate], Field(max_length=200_000)]


class RunLengthCode(SavedRecord):
    """A mask as lengths of runs.

    Attributes:
        size: Height and width of the image, in pixels.
        counts: The lengths, or the text that they are compressed to.
    """

    size: tuple[Side, Side]
    counts: list[Annotated[int, Field(ge=0, le=LONGEST_SIDE_PX**2)]] | str


class Annotation(SavedRecord):
    """An object in an image.

    Attributes:
        image_id: Identifier of its image.
        category_id: Identifier of its category.
        segmentation: Its area: polygons as x, y, x, y, …, or a run-length code; None or empty if only its box is known.
    """

    image_id: Identifier
    category_id: Identifier
    segmentation: list[Polygon] | RunLengthCode | None = None


class ListedImage(SavedRecord):
    """An image, with its identifier and its path."""

    id: Identifier
    file_name: str
    height: Side
    width: Side


class Category(SavedRecord):
    """A kind of objects."""

    id: Identifier
    name: str


class Annotations(SavedRecord):
    """What is read of an annotation file."""

    images: list[ListedImage]
    annotations: list[Annotation] = Field([])
    categories: list[Category] = Field([])


def read_annotations(path: Path) -> Annotations:
    """Read an annotation file.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it cannot be read as such, or if its annotations are of images or categories that it
            does not list, or lists twice.
    """
    content = read_record(path, Annotations, remedy=REMEDY, limit_bytes=ANNOTATION_BYTES)
    for noun, listed, used in (
        ("image", content.images, {one.image_id for one in content.annotations}),
        ("category", content.categories, {one.category_id for one in content.annotations}),
    ):
        known = {one.id for one in listed}
        if len(known) < len(listed):
            raise UnreadableFileError(f"{path} lists two of {noun} with the same id; {REMEDY}")
        if unknown := sorted(map(repr, used - known)):
            raise UnreadableFileError(
                f"{path} has an annotation of {noun} {unknown[0]}, which it does not list; {REMEDY}"
            )
    return content


def has_area(annotation: Annotation) -> bool:
    """Return whether an annotation has an area, rather than a box alone."""
    if isinstance(annotation.segmentation, RunLengthCode):
        return True
    return any(len(polygon) >= FEWEST_NUMBERS for polygon in annotation.segmentation or ())


def draw_annotations(annotations: Iterable[Annotation], *, height: int, width: int) -> Mask:
    """Draw the areas of annotations; outlines of polygons are included.

    Args:
        annotations: The annotations of one image.
        height: Height of the image in pixels.
        width: Its width.

    Returns:
        Shape (H, W).

    Raises:
        UnreadableFileError: As for `check_code`.
    """
    picture = PIL.Image.new("1", (width, height))
    codes = []
    for annotation in annotations:
        if isinstance(annotation.segmentation, RunLengthCode):
            codes.append(annotation.segmentation)
        else:
            draw_polygons(picture, annotation.segmentation or ())
    mask = np.array(picture)
    for code in codes:
        mask |= decode_code(code, height=height, width=width)
    return mask


def draw_polygons(picture: PIL.Image.Image, polygons: Iterable[Polygon]) -> None:
    """Draw filled polygons of at least three corners."""
    for numbers in polygons:
        if len(numbers) >= FEWEST_NUMBERS:
            corners = list(zip(numbers[::2], numbers[1::2], strict=False))
            PIL.ImageDraw.Draw(picture).polygon(corners, fill=1)


def decode_code(code: RunLengthCode, *, height: int, width: int) -> Mask:
    """Decode a run-length code of an image of a known size; errors as for `check_code`."""
    return decode_runs(check_code(code, height=height, width=width), height=height, width=width)


def check_code(code: RunLengthCode, *, height: int, width: int) -> list[int]:
    """Return the runs of a code after checking them.

    Raises:
        UnreadableFileError: If the code is damaged, or of an image of another size.
    """
    if code.size != (height, width):
        raise UnreadableFileError(
            f"a run-length code is of an image of {code.size[1]}x{code.size[0]} pixels instead of {width}x{height}; "
            f"{REMEDY}"
        )
    try:
        runs = parse_runs(code.counts) if isinstance(code.counts, str) else code.counts
        check_runs(runs, height=height, width=width)
    except ValueError as error:
        raise UnreadableFileError(str(error)) from None
    return runs
