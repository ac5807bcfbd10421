"""Strokes of a brush, and the search for the smallest one that raises an alarm. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from gnl_core.config.validation import describe_invalid
from gnl_core.datasets.base import Image

Shape = Literal["dot", "horizontal line", "vertical line"]
Place = tuple[int, int]


class Stroke(BaseModel):
    """A stroke whose size is to be found.

    Attributes:
        shape: A dot, whose diameter is to be found, or a straight line, whose length is.
        column: The column of the place that it passes through.
        row: The row of that place.
        colour: Such as "#d55e00".
        width: The width of a line, in pixels; of no importance for a dot.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shape: Shape
    column: NonNegativeInt
    row: NonNegativeInt
    colour: str = Field(pattern=r"^#[0-9a-fA-F]{6}$")
    width: PositiveInt

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour's red, green and blue, from 0 to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


class Search(NamedTuple):
    """What a search for the smallest stroke found.

    Attributes:
        tried: The score of each size that was tried, in ascending order of size.
        threshold: The score above which an alarm is raised.
    """

    tried: dict[int, float]
    threshold: float

    @property
    def smallest(self) -> int | None:
        """The smallest size tried that raises an alarm; None if none does."""
        return next((size for size, score in self.tried.items() if score > self.threshold), None)


def read_stroke(sent: object, image: Image) -> Stroke:
    """Check a stroke that the browser sent.

    Raises:
        ValueError: If it is none, or lies outside the image, or is wider than it; the message says why.
    """
    try:
        stroke = Stroke.model_validate(sent)
    except ValidationError as error:
        raise ValueError(f"the stroke is not as the painter sends it, {describe_invalid(error)}; try again") from None
    height, width, _ = image.shape
    if stroke.column >= width or stroke.row >= height or stroke.width > min(height, width):
        raise ValueError(
            f"the stroke is {stroke.width} px wide at column {stroke.column} and row {stroke.row}, but the image has "
            f"{width}×{height} pixels; choose another place or width"
        )
    return stroke


def size_range(stroke: Stroke, image: Image) -> tuple[int, int]:
    """Return the smallest and the largest size of a stroke: diameters of a dot, or lengths of a line."""
    height, width, _ = image.shape
    if stroke.shape == "dot":
        return 1, min(height, width)
    return stroke.width, width if stroke.shape == "horizontal line" else height


def draw_stroke(image: Image, stroke: Stroke, *, size: int) -> Image:
    """Draw a stroke on a copy of an image.

    Args:
        image: RGB, shape (H, W, 3).
        stroke: The stroke.
        size: The diameter of a dot; or the length of a line with its round ends, which is moved along itself where it
            would leave the image.
    """
    if stroke.shape == "dot":
        place = (stroke.column, stroke.row)
        covered = covered_pixels(image, place, place, size=size)
    else:
        covered = covered_pixels(image, *ends_of(stroke, image, length=size), size=stroke.width)
    drawn = image.copy()
    drawn[covered] = stroke.rgb
    return drawn


def ends_of(stroke: Stroke, image: Image, *, length: int) -> tuple[Place, Place]:
    """Return the centres of the brush at the two ends of a line."""
    height, width, _ = image.shape
    horizontal = stroke.shape == "horizontal line"
    at, most = (stroke.column, width) if horizontal else (stroke.row, height)
    span = length - stroke.width  # the brush adds half of its width at either end
    first = min(max(at - span // 2, 0), most - 1 - span)
    if horizontal:
        return (first, stroke.row), (first + span, stroke.row)
    return (stroke.column, first), (stroke.column, first + span)


def covered_pixels(image: Image, start: Place, end: Place, *, size: int) -> NDArray[np.bool_]:
    """Mark the pixels that a brush covers between two places, as `coveredPixels` in gnl_core/page/strokes.js does.

    Args:
        image: RGB, shape (H, W, 3).
        start: Column and row of the first place.
        end: Column and row of the last place.
        size: Diameter of the brush; one of an even size is centred on the upper left corner of its pixel.

    Returns:
        Whether a pixel's centre is within half of `size` of the line between the places, shape (H, W).
    """
    corner = 0.0 if size % 2 else 0.5
    (left, top), (right, bottom) = ((column - corner, row - corner) for column, row in (start, end))
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    along = (right - left, bottom - top)
    squared_length = along[0] ** 2 + along[1] ** 2
    share = ((columns - left) * along[0] + (rows - top) * along[1]) / squared_length if squared_length else 0.0
    share = np.clip(share, 0.0, 1.0)
    across, down = columns - (left + share * along[0]), rows - (top + share * along[1])
    return across**2 + down**2 <= (size / 2) ** 2


def search_smallest(score_at: Callable[[int], float], *, least: int, most: int, threshold: float) -> Search:
    """Search for the smallest size whose score exceeds the threshold.

    The size is doubled until one raises an alarm, then the interval between the last size without an alarm and the
    first with one is halved until they are neighbours. A score need not grow with the size, so smaller ones that were
    not tried may raise an alarm as well.

    Args:
        score_at: Returns the score of a size.
        least: The smallest size to try.
        most: The largest size to try.
        threshold: The score above which an alarm is raised.
    """
    tried: dict[int, float] = {}
    quiet, loud = least - 1, least
    while (score := tried.setdefault(loud, score_at(loud))) <= threshold and loud < most:
        quiet, loud = loud, min(2 * loud, most)
    while score > threshold and loud - quiet > 1:
        middle = (quiet + loud) // 2
        tried[middle] = score_at(middle)
        quiet, loud = (quiet, middle) if tried[middle] > threshold else (middle, loud)
    return Search(dict(sorted(tried.items())), threshold)
