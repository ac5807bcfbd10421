"""Shapes in the label files of labelme, drawn as masks."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import PIL.Image
import PIL.ImageDraw
from pydantic import Field

from gnl_core.datasets.base import Mask
from gnl_core.datasets.decoding import open_picture
from gnl_core.datasets.images import LARGEST_PIXELS
from gnl_core.files import MIB, UnreadableFileError
from gnl_core.files.records import SavedRecord, read_record

LABEL_BYTES = 64 * MIB  # largest label file; it can contain the image
LONGEST_SIDE_PX = 2**16
POLYGON, RECTANGLE, CIRCLE, PICTURE = "polygon", "rectangle", "circle", "mask"
FEWEST_POINTS = {POLYGON: 3, RECTANGLE: 2, CIRCLE: 2, PICTURE: 1}  # of the shapes that enclose an area
REMEDY = "save it again with labelme, or restore it"

Coordinate = Annotated[float, Field(ge=-LONGEST_SIDE_PX, le=2 * LONGEST_SIDE_PX)]
Point = tuple[Coordinate, Coordinate]
Side = Annotated[int, Field(ge=1, le=LONGEST_SIDE_PX)]


class Shape(SavedRecord):
    """A shape drawn on an image.

    Attributes:
        points: Its corners as (x, y), in pixels from the image's upper left corner; of a circle, its centre and a
            point on it; of a mask, the upper left corner of its picture.
        shape_type: Its kind; files of early versions name none, and have polygons alone.
        label: What it shows.
        mask: The picture of a mask: a PNG file in base64.
    """

    points: Annotated[list[Point], Field(max_length=100_000)]
    shape_type: str = POLYGON
    label: str = ""
    mask: str | None = None


class Labels(SavedRecord):
    """What is read of a label file.

    Attributes:
        shapes: The shapes.
        imageHeight: Height of the image that they were drawn on, in pixels.
        imageWidth: Its width.
        imagePath: Path of the image, relative to the label file.
    """

    shapes: list[Shape]
    imageHeight: Side  # noqa: N815 (labelme's name)
    imageWidth: Side  # noqa: N815
    imagePath: str = ""  # noqa: N815


def read_labels(path: Path) -> Labels:
    """Read a label file.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it cannot be read as a label file, or names an image that is too large to be read.
    """
    labels = read_record(path, Labels, remedy=REMEDY, limit_bytes=LABEL_BYTES)
    if labels.imageHeight * labels.imageWidth > LARGEST_PIXELS:
        raise UnreadableFileError(
            f"{path} is of an image of {labels.imageWidth}x{labels.imageHeight} pixels, but at most "
            f"{LARGEST_PIXELS // 1_000_000} megapixels can be read; make the image smaller and label it again"
        )
    return labels


def read_mask_of_polygons(path: Path) -> Mask:
    """Read the polygons of a label file as a mask; its other shapes are left out.

    Returns:
        Shape (H, W), the size of the image that the label file names.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it cannot be read as a label file.
    """
    labels = read_labels(path)
    polygons = [shape for shape in labels.shapes if shape.shape_type == POLYGON]
    return draw_shapes(polygons, height=labels.imageHeight, width=labels.imageWidth)


def encloses_area(shape: Shape) -> bool:
    """Return whether a shape can be drawn as an area, unlike points and lines."""
    return len(shape.points) >= FEWEST_POINTS.get(shape.shape_type, math.inf)


def draw_shapes(shapes: Iterable[Shape], *, height: int, width: int) -> Mask:
    """Draw the shapes that enclose an area, filled, outlines included.

    Args:
        shapes: The shapes.
        height: Height of the mask.
        width: Its width.

    Returns:
        Shape (H, W).

    Raises:
        UnreadableFileError: If the picture of a mask is damaged.
    """
    picture = PIL.Image.new("1", (width, height))
    for shape in filter(encloses_area, shapes):
        draw_shape(picture, shape)
    return np.asarray(picture)


def draw_shape(picture: PIL.Image.Image, shape: Shape) -> None:
    """Draw one shape that encloses an area."""
    drawing, (x, y) = PIL.ImageDraw.Draw(picture), shape.points[0]
    if shape.shape_type == POLYGON:
        drawing.polygon(shape.points, fill=1)
    elif shape.shape_type == RECTANGLE:
        drawing.rectangle([*map(min, *shape.points[:2]), *map(max, *shape.points[:2])], fill=1)
    elif shape.shape_type == CIRCLE:
        radius = math.dist(*shape.points[:2])
        drawing.ellipse([x - radius, y - radius, x + radius, y + radius], fill=1)
    else:
        stencil = decode_picture(shape.mask or "", largest=picture.size)
        picture.paste(1, (round(x), round(y)), stencil)


def decode_picture(text: str, *, largest: tuple[int, int]) -> PIL.Image.Image:
    """Decode the picture of a mask, in black and white.

    Args:
        text: A PNG file in base64.
        largest: Width and height of the image, which it cannot exceed.

    Raises:
        UnreadableFileError: If it is damaged or larger.
    """
    try:
        with open_picture(BytesIO(base64.b64decode(text, validate=True)), ("PNG",)) as picture:
            if picture.width > largest[0] or picture.height > largest[1]:
                raise UnreadableFileError(
                    f"a mask of {picture.width}x{picture.height} pixels is larger than its image; {REMEDY}"
                )
            return picture.convert("L").point(lambda level: 255 * (level > 0)).convert("1")
    except UnreadableFileError:
        raise
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise UnreadableFileError(f"the picture of a mask cannot be read: {error}; {REMEDY}") from None
