"""Read image files and masks as arrays, by their content; every error is one sentence with the file's name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from PIL.ImageFile import ImageFile

from gnl_core.datasets.base import Image, Mask
from gnl_core.datasets.decoding import UNUSABLE, UnusablePixelsError, decode, open_picture, to_rgb
from gnl_core.datasets.headers import upright_size
from gnl_core.datasets.mask_levels import anomalous_pixels
from gnl_core.files import IMAGE_BYTES, UnreadableFileError, open_file

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")  # an error follows, or nothing
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # no others: Pillow starts programs for some formats
LARGEST_PIXELS = 50_000_000  # decoded, 350 MB with alpha; Pillow warns beyond 89 million


class UnreadableImageError(ValueError):
    """An image file that cannot be used; the message gives the reason and a remedy."""


def read_image(path: Path) -> Image:
    """Decode an image file.

    Grey and palette images become RGB, every depth becomes 8 bits, EXIF orientation is applied, and the first of
    several frames is read (docs/datasets.md has the table). Transparent images are blended with white, as viewers show
    them: the hidden colours, which `convert("RGB")` would reveal, are not part of the picture.

    Args:
        path: A PNG, JPEG, BMP, TIFF or WebP file.

    Returns:
        RGB, uint8, shape (H, W, 3), at native size.

    Raises:
        UnreadableImageError: If the file is missing, damaged, truncated, not such an image, larger than 50 megapixels,
            not a regular file, or has pixels that no rule converts to 8-bit RGB, such as floating-point numbers.
    """
    picture = load_picture(path)
    with explained(path):
        return to_rgb(picture)


def read_mask(path: Path) -> Mask:
    """Decode a mask; `anomalous_pixels` says which of its pixels are anomalous.

    Returns:
        Shape (H, W), at native size.

    Raises:
        ValueError: As for `read_image`, but numbers may have any range.
    """
    picture = load_picture(path)
    if picture.mode in UNUSABLE and len(picture.getbands()) > 1:
        raise ValueError(f"{path} holds {UNUSABLE[picture.mode]}; save it as an 8-bit PNG")
    return anomalous_pixels(picture)


def read_mask_of(image_path: Path, mask_path: Path) -> Mask:
    """Decode the mask of an image file.

    Returns:
        Shape (H, W), the image's.

    Raises:
        ValueError: As for `read_mask`, and if the sizes differ.
    """
    mask = read_mask(mask_path)
    height, width = image_size(image_path)
    if mask.shape != (height, width):
        raise ValueError(
            f"the mask {mask_path} has {mask.shape[1]}x{mask.shape[0]} pixels, its image {image_path} has "
            f"{width}x{height}; make them the same size"
        )
    return mask


def read_masks_of(image_path: Path, mask_paths: Sequence[Path]) -> Mask:
    """Decode the masks of an image file; a pixel is anomalous if one of them marks it. Errors are `read_mask_of`'s."""
    masks = [read_mask_of(image_path, path) for path in mask_paths]
    return masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)


def image_size(path: Path) -> tuple[int, int]:
    """Read the height and width of `read_image`'s result from the header; same errors where the header shows them."""
    with opened(path) as picture:
        return upright_size(picture)


def colour_mode(path: Path) -> str:
    """Read the colour mode of a file, by Pillow's name such as RGB, from the header; same errors as `read_image`."""
    with opened(path) as picture:
        return picture.mode


def load_picture(path: Path) -> PIL.Image.Image:
    """Decode a file as `decode` does; same errors as `read_image`, but accepts numbers of any range."""
    with opened(path) as picture:
        return decode(picture)


@contextmanager
def opened(path: Path) -> Iterator[ImageFile]:
    """Open a file's picture without loading its pixels, and explain any error with it."""
    with explained(path), open_file(path, limit_bytes=IMAGE_BYTES) as file, open_picture(file, FORMATS) as picture:
        check_pixels(picture)
        yield picture


def check_pixels(picture: ImageFile) -> None:
    """Reject a picture that is too large by its header, before memory is allocated."""
    if picture.width * picture.height > LARGEST_PIXELS:
        raise PIL.Image.DecompressionBombError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn any error with an image file within the block into one sentence with its name."""
    try:
        yield
    except UnreadableImageError:
        raise
    except UnusablePixelsError as error:
        raise UnreadableImageError(f"{path} holds {error}; save it as an 8-bit PNG") from None
    except UnreadableFileError as error:
        raise UnreadableImageError(f"{error}") from None
    except FileNotFoundError:
        raise UnreadableImageError(f"no image file at {path}; add it, or leave it out") from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        limit = LARGEST_PIXELS // 1_000_000
        raise UnreadableImageError(
            f"{path} is larger than {limit} megapixels; make it smaller, or leave it out"
        ) from None
    except PIL.UnidentifiedImageError:
        raise UnreadableImageError(
            f"{path} is not a PNG, JPEG, BMP, TIFF or WebP image; convert it, or leave it out"
        ) from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise UnreadableImageError(
            f"{path} is truncated, damaged or unreadable ({describe(error)}); replace it"
        ) from None


def describe(error: Exception) -> str:
    """Describe an error on one line, by its message or else its name."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()) or type(error).__name__
