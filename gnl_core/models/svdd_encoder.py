"""The encoder of Deep SVDD, built so that it cannot learn an output that is the same for every image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = (32, 64, 128)  # the paper's network for 32 px colour images
OUTPUTS = 128
POOLED_SIDE = 4  # of an image of 32 px after three poolings
NEGATIVE_SLOPE = 0.1
SMALLEST_DEVIATION = 1e-6


class SvddEncoder(nn.Module):
    """Three blocks of 5x5 convolution, BatchNorm, leaky ReLU and pooling, then a linear layer; no bias anywhere.

    BatchNorm has no learnable scale or shift, since a shift is a bias (Deep SVDD, Proposition 2), and leaky
    ReLU is unbounded (Proposition 3). Larger maps are averaged to 4x4, so that images may have any size.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *CHANNELS[:-1])
        self.blocks = nn.Sequential(*(block(i, o) for i, o in zip(inputs, CHANNELS, strict=True)))
        self.last = nn.Linear(CHANNELS[-1] * POOLED_SIDE**2, OUTPUTS, bias=False)
        for parameter in self.parameters():
            nn.init.xavier_uniform_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, normalised to their own contrast, to points: (B, 3, H, W) to (B, 128)."""
        maps = self.blocks(normalise_contrast(images))
        return self.last(F.adaptive_avg_pool2d(maps, POOLED_SIDE).flatten(1))


def block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Create one block, which halves the map."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=5, padding=2, bias=False),
        nn.BatchNorm2d(out_channels, affine=False),
        nn.LeakyReLU(NEGATIVE_SLOPE),
        nn.MaxPool2d(2),
    )


@contextmanager
def measuring_statistics(network: nn.Module) -> Iterator[None]:
    """Make BatchNorm use each batch's own statistics, as in training, and keep their mean over all batches.

    A centre computed this way matches the network at the start of training, and after a short training scores
    depend on statistics of its images, not on BatchNorm's initial values.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # in PyTorch, None means the mean over all batches
    network.train()
    yield
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def normalise_contrast(images: Tensor) -> Tensor:
    """Normalise the global contrast in the L1 norm (Deep SVDD's preprocessing).

    Args:
        images: Shape (B, 3, H, W).

    Returns:
        Each image with mean 0 and mean absolute value 1, of the same shape; a uniform image becomes 0.
    """
    centred = images - images.mean(dim=(1, 2, 3), keepdim=True)
    deviation = centred.abs().mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(deviation > SMALLEST_DEVIATION, centred / deviation.clamp_min(SMALLEST_DEVIATION), 0.0)
