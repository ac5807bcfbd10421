"""Blur kernels, and the convolution with them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import Image

Values = NDArray[np.float64]


def convolve(image: Image, kernel: Values) -> Values:
    """Convolve each channel with a kernel of odd sides, mirroring the image at its edges.

    It uses the Fourier transform, which is many times faster for kernels with hundreds of taps.
    """
    reach = len(kernel) // 2
    height, width = image.shape[0] + 2 * reach, image.shape[1] + 2 * reach
    response = np.fft.rfft2(kernel, (height, width))
    mirrored = [np.pad(channel, reach, mode="reflect") for channel in np.moveaxis(image, 2, 0)]
    blurred = [np.fft.irfft2(np.fft.rfft2(channel) * response, (height, width)) for channel in mirrored]
    return np.stack(blurred, axis=2)[2 * reach :, 2 * reach :]


def disk(radius_px: int, rim_sigma_px: float) -> Values:
    """Create a disk with sum 1, softened over one pixel at its rim; shape (2 radius + 3,) * 2.

    At radius 8 and 10, ImageNet-C cuts the softened rim off, so its blur differs there by up to 3 of 255.
    """
    offsets = np.arange(-radius_px - 1, radius_px + 2)
    inside = (offsets[:, None] ** 2 + offsets**2 <= radius_px**2).astype(float)
    beside = math.exp(-0.5 / rim_sigma_px**2)
    taps = np.array([beside, 1, beside]) / (1 + 2 * beside)
    for axis in (0, 1):
        inside = np.apply_along_axis(np.convolve, axis, inside, taps, mode="same")
    return inside / inside.sum()


def trail(radius_px: int, sigma_px: float, *, angle: float) -> Values:
    """Create half a Gaussian along a line, centred on its centre of mass; sum 1, shape (4 radius + 1,) * 2."""
    steps = np.arange(2 * radius_px + 1)
    weights = np.exp(-0.5 * (steps / sigma_px) ** 2)
    weights /= weights.sum()
    middle = (weights * steps).sum()
    kernel = np.zeros((4 * radius_px + 1,) * 2)
    rows, columns = (
        2 * radius_px - np.round(steps * slope).astype(int) + round(middle * slope)
        for slope in (math.sin(angle), math.cos(angle))
    )
    np.add.at(kernel, (rows, columns), weights)
    return kernel
