"""Generator, critic and encoder of f-AnoGAN: strided convolutions between images of one size and latent vectors."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

LATENT_SIZE = 128  # the paper's
NARROWEST = 32  # channels of the layer next to the image; they double with each halving of the map
SMALLEST_MAP = 4
NEGATIVE_SLOPE = 0.2
INPUT_CHANNELS = 3


class Generator(nn.Module):
    """Generate images from latent vectors."""

    def __init__(self, image_side: int) -> None:
        super().__init__()
        widths = layer_widths(image_side)[::-1]
        self.first = nn.Sequential(
            nn.Linear(LATENT_SIZE, widths[0] * SMALLEST_MAP**2),
            nn.Unflatten(1, (widths[0], SMALLEST_MAP, SMALLEST_MAP)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        hidden = [enlarging(i, o) for i, o in pairwise(widths)]
        self.layers = nn.Sequential(*hidden, nn.ConvTranspose2d(widths[-1], INPUT_CHANNELS, 4, stride=2, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        """Map (B, 128) to images in [-1, 1], shape (B, 3, side, side)."""
        return self.layers(self.first(latent)).tanh()


class Critic(nn.Module):
    """Distinguish real from generated images; the mean difference of its values estimates their Wasserstein distance.

    It has no BatchNorm, because the gradient penalty applies to each image separately (WGAN-GP, section 4).
    """

    def __init__(self, image_side: int) -> None:
        super().__init__()
        self.features = shrinking(image_side)
        self.last = nn.Linear(feature_size(image_side), 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images in [-1, 1], shape (B, 3, side, side), to values, shape (B,); higher is more real."""
        return self.last(self.features(images)).flatten()


class Encoder(nn.Module):
    """Map images back to latent vectors."""

    def __init__(self, image_side: int) -> None:
        super().__init__()
        self.features = shrinking(image_side)
        self.last = nn.Linear(feature_size(image_side), LATENT_SIZE)

    def forward(self, images: Tensor) -> Tensor:
        """Map images in [-1, 1], shape (B, 3, side, side), to (B, 128)."""
        return self.last(self.features(images))


def layer_widths(image_side: int) -> list[int]:
    """Channels after each halving of an image until its map is 4 px wide."""
    halvings = (image_side // SMALLEST_MAP).bit_length() - 1
    return [NARROWEST * 2**step for step in range(halvings)]


def feature_size(image_side: int) -> int:
    """Length of the flattened last map."""
    return layer_widths(image_side)[-1] * SMALLEST_MAP**2


def shrinking(image_side: int) -> nn.Sequential:
    """Create convolutions that halve an image down to a flattened map of 4 px."""
    widths = layer_widths(image_side)
    pairs = zip((INPUT_CHANNELS, *widths), widths, strict=False)
    layers = [nn.Sequential(nn.Conv2d(i, o, 4, stride=2, padding=1), nn.LeakyReLU(NEGATIVE_SLOPE)) for i, o in pairs]
    return nn.Sequential(*layers, nn.Flatten())


def enlarging(in_channels: int, out_channels: int) -> nn.Sequential:
    """Create a transposed convolution that doubles the size."""
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def gradient_penalty(critic: nn.Module, real: Tensor, generated: Tensor, *, shares: Tensor) -> Tensor:
    """Penalise critic gradients whose norm is not 1 between real and generated images (WGAN-GP, Eq. 3, unweighted).

    Args:
        critic: Maps images to one value each.
        real: Shape (B, 3, H, W).
        generated: Generated images of the same shape.
        shares: Share of the real image in each mixture, in [0, 1], shape (B, 1, 1, 1).

    Returns:
        Scalar: mean of (|gradient| - 1)², differentiable, so that it can be minimised.
    """
    mixed = (shares * real + (1 - shares) * generated).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()
