"""Augmented views of a training image: AugMix without geometry, and grayscale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np
import PIL.Image
import torch
from PIL import ImageEnhance, ImageOps
from torch import Tensor

from gnl_core.datasets.base import ALL_OPERATIONS
from gnl_core.messages import quote

WIDTH = 3  # chains that are mixed
LARGEST_DEPTH = 3  # operations in a chain
LARGEST_SEVERITY = 3
SMALLEST_LEVEL = 0.1
LEVELS = 10  # severities are tenths of an operation's range (AugMix, appendix)
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Picture = PIL.Image.Image
Operation = Callable[[Picture, float], Picture]


def posterize(image: Picture, level: float) -> Picture:
    """Keep the highest 4 bits per channel, or fewer at higher levels."""
    return ImageOps.posterize(image, 4 - int(level * 4 / LEVELS))


def solarize(image: Picture, level: float) -> Picture:
    """Invert values above a threshold, which is lower at higher levels."""
    return ImageOps.solarize(image, 256 - int(level * 256 / LEVELS))


def enhance(image: Picture, level: float, *, kind: Callable[[Picture], ImageEnhance._Enhance]) -> Picture:
    """Scale a property by 0.1 to 1.9, increasing with the level."""
    return kind(image).enhance(level * 1.8 / LEVELS + 0.1)


OPERATIONS: MappingProxyType[str, Operation] = MappingProxyType(
    {
        "autocontrast": lambda image, level: ImageOps.autocontrast(image),
        "equalize": lambda image, level: ImageOps.equalize(image),
        "posterize": posterize,
        "solarize": solarize,
        "color": lambda image, level: enhance(image, level, kind=ImageEnhance.Color),
        "sharpness": lambda image, level: enhance(image, level, kind=ImageEnhance.Sharpness),
        "contrast": lambda image, level: enhance(image, level, kind=ImageEnhance.Contrast),
        "brightness": lambda image, level: enhance(image, level, kind=ImageEnhance.Brightness),
    }
)


def augmix(image: Tensor, *, generator: np.random.Generator, operations: Sequence[str] = ALL_OPERATIONS) -> Tensor:
    """Mix chains of random operations with the image (AugMix, Hendrycks et al., ICLR 2020).

    Drawn for each image: severity 0-3, one depth 1-3 for all three chains, Dirichlet weights of the
    chains and a Beta share of their mixture, all parameters 1, as in GNL's published code.

    Args:
        image: RGB in [0, 1], shape (3, H, W).
        generator: Source of all random draws.
        operations: Names in OPERATIONS to draw from.

    Returns:
        RGB in [0, 1], shape (3, H, W).
    """
    severity = int(generator.integers(LARGEST_SEVERITY + 1))
    depth = int(generator.integers(1, LARGEST_DEPTH + 1))
    weights = generator.dirichlet([1.0] * WIDTH)
    share = generator.beta(1.0, 1.0)
    picture = to_picture(image)
    chains = [
        run_chain(picture, generator, operations=operations, depth=depth, severity=severity) for _ in range(WIDTH)
    ]
    mixture = sum(float(weight) * from_picture(chain) for weight, chain in zip(weights, chains, strict=True))
    return (1 - share) * image + share * mixture


def run_chain(
    picture: Picture, generator: np.random.Generator, *, operations: Sequence[str], depth: int, severity: int
) -> Picture:
    """Apply `depth` random operations in turn, each at a random level between 0.1 and `severity`."""
    for _ in range(depth):
        name = operations[int(generator.integers(len(operations)))]
        level = SMALLEST_LEVEL + (severity - SMALLEST_LEVEL) * generator.random()
        picture = OPERATIONS[name](picture, level)
    return picture


def grayscale(image: Tensor) -> Tensor:
    """Compute grey from the ImageNet-normalised image, as in GNL's published code, and rescale it to RGB.

    Args:
        image: RGB in [0, 1], shape (3, H, W).

    Returns:
        Shape (3, H, W). Channels that are equal after normalisation can differ by a few hundredths
        before it, and leave [0, 1] by as much.
    """
    mean, std, luma = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD, LUMA))
    return (luma * (image - mean) / std).sum(0, keepdim=True) * std + mean


def make_view(
    name: str, image: Tensor, *, generator: np.random.Generator, operations: Sequence[str] = ALL_OPERATIONS
) -> Tensor:
    """Make one view of an image.

    Args:
        name: "original", "augmix" or "grayscale".
        image: RGB in [0, 1], shape (3, H, W).
        generator: Source of all random draws.
        operations: Names in OPERATIONS from which AugMix draws; `DatasetSpec` has those of a data set.

    Raises:
        ValueError: If there is no such view.
    """
    match name:
        case "original":
            return image
        case "augmix":
            return augmix(image, generator=generator, operations=operations)
        case "grayscale":
            return grayscale(image)
    raise ValueError(f"unknown view {quote(name)}; choose one of: original, augmix, grayscale")


def to_picture(image: Tensor) -> Picture:
    """Convert RGB in [0, 1], shape (3, H, W), to a Pillow image."""
    return PIL.Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def from_picture(picture: Picture) -> Tensor:
    """Convert a Pillow image to RGB in [0, 1], shape (3, H, W)."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
