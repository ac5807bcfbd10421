"""The trainable bottleneck, which fuses three stage maps into one small embedding (RD4AD, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gnl_core.models.blocks import BLOCKS, initialise, multiply_on_small_maps
from gnl_core.models.teachers import Teacher

STRIDE = 2  # the embedding has half the size of the last stage


class Bottleneck(nn.Module):
    """Multi-scale fusion, then residual blocks that halve the size and double the channels.

    Only the teacher's channels and strides determine it. For ResNet teachers it is RD4AD's own, with
    the tensor names of its published checkpoints (without their unused conv4 and bn4).
    """

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        low, middle, high = teacher.channels
        first, second = stage_strides(teacher)
        self.conv1, self.bn1 = convolution(low, middle, stride=first), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = convolution(middle, high, stride=second), nn.BatchNorm2d(high)
        self.conv3, self.bn3 = convolution(middle, high, stride=second), nn.BatchNorm2d(high)
        self.relu = nn.ReLU(inplace=True)
        self.bn_layer = embedding_blocks(teacher)
        initialise(self)
        multiply_on_small_maps(self)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Fuse the stage maps into the embedding.

        Args:
            maps: The teacher's three stage maps, shapes (B, C_k, H_k, W_k).

        Returns:
            Embedding, shape (B, 2 * C_3, ceil(H_3 / 2), ceil(W_3 / 2)).

        Raises:
            ValueError: In training, for a batch of one image with a one-pixel embedding: BatchNorm cannot normalise it.
        """
        low, middle, high = maps
        size = map_size(high)
        low = self.relu(self.bn1(self.conv1(low)))
        low = self.relu(self.bn2(self.conv2(low)))
        middle = self.relu(self.bn3(self.conv3(middle)))
        fused = torch.cat([resize(low, size), resize(middle, size), high], dim=1)
        if self.training and fused.shape[0] == 1 and max(size) <= STRIDE:
            raise ValueError(
                "a batch of one image of this size has a one-pixel embedding, which BatchNorm cannot normalise; "
                "use a batch size of 2 or more"
            )
        return self.bn_layer(fused)


def map_size(features: Tensor) -> tuple[int, int]:
    """Height and width of maps of shape (B, C, H, W)."""
    height, width = features.shape[-2:]
    return height, width


def stage_strides(teacher: Teacher) -> tuple[int, int]:
    """Strides from stage 1 to stage 2 and from stage 2 to stage 3."""
    first, second, third = teacher.reductions
    return second // first, third // second


def convolution(in_channels: int, out_channels: int, *, stride: int) -> nn.Conv2d:
    """Create a 3x3 convolution without bias."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)


def embedding_blocks(teacher: Teacher) -> nn.Sequential:
    """Create the residual blocks from the fused maps to the embedding; the first halves the size."""
    spec, block = teacher.spec, BLOCKS[teacher.spec.block]
    channels, embedding = 3 * teacher.channels[-1], 2 * teacher.channels[-1]
    planes = embedding // block.expansion
    shortcut = nn.Sequential(
        nn.Conv2d(channels, embedding, kernel_size=1, stride=STRIDE, bias=False), nn.BatchNorm2d(embedding)
    )
    blocks = [block(channels, planes, STRIDE, shortcut, base_width=spec.block_width)]
    blocks += [block(embedding, planes, base_width=spec.block_width) for _ in range(spec.embedding_blocks - 1)]
    return nn.Sequential(*blocks)


def resize(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize maps bilinearly where strides do not divide the image's size; return maps of that size as they are."""
    if map_size(features) == size:
        return features
    return F.interpolate(features, size=size, mode="bilinear", align_corners=False)
