"""A region of interest: the pixels of a detector's input that count, read from a mask file and written as text.

The text stands in a run's settings, so that a checkpoint needs no mask file. It is the height and width, a colon, and
COCO's run lengths: column by column, the number of pixels that do not count, that count, that do not, and so on. In
"2x3:2,4", the first of three columns does not count.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from gnl_core.config import EVERYWHERE, LONGEST_REGION, REGION_TEXT
from gnl_core.config.values import Resize
from gnl_core.datasets.base import Mask
from gnl_core.datasets.fitting import fit_mask
from gnl_core.datasets.images import read_mask
from gnl_core.datasets.rle import decode_runs, encode_runs
from gnl_core.messages import shorten


def settle_region(value: str, size: tuple[int, int], resize: Resize) -> str:
    """Turn a region of interest as a user gives it into its text.

    Args:
        value: A mask file, a text from `encode_region`, or "all".
        size: Height and width of the detector's input.
        resize: How images are fitted into it; the mask is fitted in the same way.

    Returns:
        "all", or a text.

    Raises:
        ValueError: If the file cannot be read or marks nothing, the mask has too many corners, or a text is of another
            size.
    """
    if value == EVERYWHERE:
        return value
    if REGION_TEXT.fullmatch(value):
        decode_region(value, size)
        return value
    return region_of_mask(read_mask(Path(value)), size, resize, name=value)


def region_of_mask(mask: Mask, size: tuple[int, int], resize: Resize, *, name: str) -> str:
    """Turn a mask of the shape of the images, whose marked pixels count, into a region's text; see `settle_region`."""
    fitted = fit_mask(mask, size, resize)[0].numpy() > 0
    if not fitted.any():
        raise ValueError(
            f"the region of interest {shorten(name)} marks no pixel of images of {size[0]}x{size[1]} pixels; paint "
            "white what counts"
        )
    text = encode_region(fitted)
    if len(text) > LONGEST_REGION:
        raise ValueError(f"the region of interest {shorten(name)} has too many edges; draw it with fewer, longer ones")
    return text


def encode_region(counted: Mask) -> str:
    """Write the pixels that count, shape (H, W), as text."""
    height, width = counted.shape
    return f"{height}x{width}:{','.join(map(str, encode_runs(counted)))}"


@lru_cache(maxsize=16)
def decode_region(text: str, size: tuple[int, int]) -> Tensor:
    """Read the pixels that count from a region's text. Do not modify the result.

    Args:
        text: The result of `encode_region`.
        size: Height and width that it must have.

    Returns:
        Booleans, shape (1, 1, H, W).

    Raises:
        ValueError: If it is no such text, marks nothing, or is of another size.
    """
    match = REGION_TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{shorten(text)!r} is no region of interest; pass a mask file with --region-of-interest")
    own = (int(match[1]), int(match[2]))
    if own != size:
        raise ValueError(
            f"the region of interest has {own[0]}x{own[1]} pixels, and the run's images have {size[0]}x{size[1]}; pass "
            "the mask file with --region-of-interest"
        )
    counted = decode_runs([int(run) for run in match[3].split(",")], height=size[0], width=size[1])
    if not counted.any():
        raise ValueError("the region of interest marks no pixel; pass a mask file with --region-of-interest")
    return torch.from_numpy(counted.copy())[None, None]


def counted_pixels(region: str, size: tuple[int, int], content: Tensor | None = None) -> Tensor | None:
    """Mark the pixels that count: those of the region of interest that are not border.

    Args:
        region: As in `ScoringConfig.region_of_interest`, settled.
        size: Height and width of the images.
        content: As in `Batch`.

    Returns:
        Booleans, shape (1, 1, H, W) or (B, 1, H, W); None if all pixels count.

    Raises:
        ValueError: If the region is of another size, or contains no pixel of an image.
    """
    if region == EVERYWHERE:
        return content
    counted = decode_region(region, size)
    if content is None:
        return counted
    counted = counted & content
    if not counted.flatten(1).any(dim=1).all():
        raise ValueError(
            "the region of interest lies outside of an image, whose shape differs from the mask's; use images of the "
            "mask's shape, or --resize stretch"
        )
    return counted
