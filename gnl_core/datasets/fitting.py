"""Fit images and masks of any shape into a detector's image size: stretched, letterboxed or cropped."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from gnl_core.config.data import DataSettings
from gnl_core.config.values import Resize
from gnl_core.datasets.base import Image, Mask
from gnl_core.messages import quote

BORDER = (124, 116, 104)  # the mean colour of ImageNet, which teachers normalise to about zero

PICTURE_PX = 256  # smallest side of a picture of what a detector sees


class Placement(NamedTuple):
    """Where an image lies in a detector's input.

    Attributes:
        size: Height and width of the input in pixels.
        window: The part of the image that is shown, in its own pixels: left, top, right, bottom.
        place: The part of the input that it fills, in the input's pixels: left, top, right, bottom.
    """

    size: tuple[int, int]
    window: tuple[float, float, float, float]
    place: tuple[int, int, int, int]

    @property
    def has_border(self) -> bool:
        """Whether a part of the input is not image."""
        height, width = self.size
        return self.place != (0, 0, width, height)


class Fitted(NamedTuple):
    """An image at a detector's image size.

    Attributes:
        pixels: RGB, uint8, shape (3, H, W).
        placement: Where the image lies in them.
    """

    pixels: Tensor
    placement: Placement


def place_image(shape: tuple[int, int], size: tuple[int, int], resize: Resize) -> Placement:
    """Decide which part of an image fills which part of a detector's input.

    Args:
        shape: Height and width of the image in pixels.
        size: Height and width of the input.
        resize: How to fit the image, as in `DataSettings.resize`.

    Returns:
        The placement. A letterboxed image has at least one row and one column, however narrow it is.

    Raises:
        ValueError: If there is no such way to fit an image.
    """
    rows, columns = shape
    height, width = size
    whole, everywhere = (0.0, 0.0, float(columns), float(rows)), (0, 0, width, height)
    match resize:
        case "stretch":
            return Placement(size, whole, everywhere)
        case "letterbox":
            scale = min(height / rows, width / columns)
            return Placement(size, whole, centred(scale * columns, scale * rows, size))
        case "crop":
            scale = max(height / rows, width / columns)
            left, top = (columns - width / scale) / 2, (rows - height / scale) / 2
            window = (max(0.0, left), max(0.0, top), min(columns, columns - left), min(rows, rows - top))
            return Placement(size, window, everywhere)
    raise ValueError(f"unknown way to resize {quote(resize)}; choose one of: stretch, letterbox, crop")


def centred(columns: float, rows: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a rectangle in the middle of a size (height, width), in whole pixels."""
    height, width = size
    shown_width, shown_height = min(width, max(1, round(columns))), min(height, max(1, round(rows)))
    left, top = (width - shown_width) // 2, (height - shown_height) // 2
    return left, top, left + shown_width, top + shown_height


def fit_image(image: Image, size: tuple[int, int], resize: Resize = "stretch") -> Fitted:
    """Fit an RGB image (H, W, 3) into a size (height, width), bilinearly; a border has one colour, `BORDER`."""
    rows, columns, _ = image.shape
    placement = place_image((rows, columns), size, resize)
    shown = draw_within(PIL.Image.fromarray(image), placement, PIL.Image.Resampling.BILINEAR, border=BORDER)
    return Fitted(torch.from_numpy(np.array(shown)).permute(2, 0, 1).contiguous(), placement)


def fit_mask(mask: Mask, size: tuple[int, int], resize: Resize = "stretch") -> Tensor:
    """Fit a mask (H, W) into a size (height, width) by the nearest pixel; 0 and 1, border 0, shape (1, *size)."""
    rows, columns = mask.shape
    placement = place_image((rows, columns), size, resize)
    shown = draw_within(PIL.Image.fromarray(mask), placement, PIL.Image.Resampling.NEAREST, border=0)
    return torch.from_numpy(np.array(shown)).float()[None]


def picture_size(settings: DataSettings) -> tuple[int, int]:
    """Return a size for pictures of what a run's detector sees: a multiple of its image size, of `PICTURE_PX` or more.

    Pictures of small image sizes would show single pixels as squares.
    """
    times = max(1, -(-PICTURE_PX // min(settings.image_size)))
    height, width = settings.image_size
    return times * height, times * width


def image_as_seen(image: Image, settings: DataSettings) -> Image:
    """Letterbox or crop an image for a picture of what a run's detector sees; a stretched one is returned as it is.

    Args:
        image: RGB at native size, shape (H, W, 3).
        settings: The run's settings.
    """
    if settings.resize == "stretch":
        return image
    seen: Image = fit_image(image, picture_size(settings), settings.resize).pixels.permute(1, 2, 0).numpy()
    return seen


def mask_as_seen(mask: Mask, settings: DataSettings) -> Mask:
    """Letterbox or crop a mask (H, W) in the same way."""
    if settings.resize == "stretch":
        return mask
    seen: Mask = fit_mask(mask, picture_size(settings), settings.resize)[0].numpy() > 0
    return seen


def draw_within(
    picture: PIL.Image.Image,
    placement: Placement,
    resampling: PIL.Image.Resampling,
    *,
    border: int | tuple[int, int, int],
) -> PIL.Image.Image:
    """Draw a picture in its place within a detector's input."""
    left, top, right, bottom = placement.place
    shown = picture.resize((right - left, bottom - top), resampling, box=placement.window)
    if not placement.has_border:
        return shown
    height, width = placement.size
    whole = PIL.Image.new(shown.mode, (width, height), border)
    whole.paste(shown, (left, top))
    return whole


def content_of(placements: list[Placement]) -> Tensor | None:
    """Mark the pixels that belong to each image and not to its border.

    Args:
        placements: Those of a batch's images, which have one size.

    Returns:
        True for a pixel of the image, shape (B, 1, H, W); None if no image has a border.
    """
    if not any(placement.has_border for placement in placements):
        return None
    content = torch.zeros(len(placements), 1, *placements[0].size, dtype=torch.bool)
    for index, placement in enumerate(placements):
        left, top, right, bottom = placement.place
        content[index, :, top:bottom, left:right] = True
    return content
